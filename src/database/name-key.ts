// The key under which a batch's name is unique.
import { createHash } from "node:crypto";
import { foldName } from "../models/name.js";

/** A digest, so that no collation of a server makes two different names the same, or the same name two. */
export function nameKeyOf(name: string): string {
  return createHash("sha256").update(foldName(name)).digest("hex");
}
