// Every migration, oldest first. One that has landed is never edited.
import { CreateSchema1795219200000 } from "./0001-create-schema.js";
import { MakeRunsDurable1795305600000 } from "./0002-make-runs-durable.js";
import { KeepVersions1795564800000 } from "./0003-keep-versions.js";
import { OpenTriggers1795651200000 } from "./0004-open-triggers.js";

export const MIGRATIONS = [
  CreateSchema1795219200000,
  MakeRunsDurable1795305600000,
  KeepVersions1795564800000,
  OpenTriggers1795651200000,
];
