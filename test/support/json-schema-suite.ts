// The official JSON Schema test suite, from where tools/json-schema-suite.sh has put it: what every validator has to know.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { DRAFTS, isObject, type Draft } from "../../src/models/json-schema-parts.js";

/** A schema, and what has to be said of payloads. */
export interface SuiteGroup {
  /** The file it comes from, and what it is about. */
  title: string;
  schema: unknown;
  tests: { description: string; data: unknown; valid: boolean }[];
}

const FOLDERS: Record<Draft, string> = {
  [DRAFTS[0]]: "draft2020-12",
  [DRAFTS[1]]: "draft2019-09",
  [DRAFTS[2]]: "draft7",
};

/** What these are about is fetched from elsewhere in the suite: other schemas, and drafts that somebody made himself. */
const REMOTE =
  /^(refRemote|vocabulary)$|^dynamicRef: (strict-tree|tests for implementation|\$ref and \$dynamicAnchor are)/;
/** That a format is a mere remark is the drafts' default; here formats are checked, as drafts allow. */
const REMARKS = /^format$/;

const cache = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
const SUITE = path.join(cache, "batchline/json-schema-suite/tests");

/** Nobody needs the suite to try the service out: only where everything must hold, its absence is a failure. */
export const LEAVE_SUITE_OUT = !existsSync(SUITE) && !process.env["CI"];

/**
 * The required cases of a draft without those that need what lies elsewhere, or those of its formats; null where the suite
 * is not there.
 */
export function suiteOf(draft: Draft, part: "required" | "formats"): SuiteGroup[] | null {
  const folder = path.join(SUITE, FOLDERS[draft], part === "formats" ? "optional/format" : "");
  if (!existsSync(folder)) return null;
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => groupsOf(folder, name, draft));
}

function groupsOf(folder: string, file: string, draft: Draft): SuiteGroup[] {
  const topic = path.basename(file, ".json");
  if (REMOTE.test(topic) || REMARKS.test(topic)) return [];
  const groups = JSON.parse(readFileSync(path.join(folder, file), "utf8")) as (SuiteGroup & { description: string })[];
  return groups
    .map(({ description, schema, tests }) => ({
      title: `${topic}: ${description}`,
      schema: ofDraft(schema, draft),
      tests,
    }))
    .filter(({ title }) => !REMOTE.test(title));
}

/** Schemas of the suite's older drafts do not say which draft they are of. */
function ofDraft(schema: unknown, draft: Draft): unknown {
  return isObject(schema) ? { $schema: draft, ...schema } : schema;
}
