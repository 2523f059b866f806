// Files that several processes may want to make at once: one does, and each sees them whole or not at all.
import { randomBytes } from "node:crypto";
import { linkSync, unlinkSync, writeFileSync } from "node:fs";

/** Makes a file with this text. @returns false if there is one of that name already: it stays as it is */
export function makeWholeFile(file: string, text: string, mode: number): boolean {
  const draft = `${file}.${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, text, { mode });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    unlinkSync(draft);
  }
}
