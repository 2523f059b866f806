// What can be wrong with an uploaded archive, said for people; and what kind of refusal each fault makes.
import type { ErrorCode } from "../../errors.js";
import type { Finding } from "../../models/finding.js";

/** What a finding is about, in the `lower_snake_case` that ends up as `reason` of the refusal. */
export type FindingCode =
  | "not_a_zip"
  | "bad_zip"
  | "too_many_entries"
  | "unpacked_too_large"
  | "ratio_too_high"
  | "unsafe_path"
  | "control_characters"
  | "name_not_utf8"
  | "name_too_long"
  | "too_deep"
  | "duplicate_entry"
  | "link_or_special"
  | "encrypted"
  | "unsupported_compression"
  | "overlapping_entries"
  | "missing_script"
  | "script_not_text"
  | "script_encoding"
  | "script_line_ends"
  | "bash_syntax"
  | "shebang_ignored"
  | "no_strict_mode"
  | "private_file"
  | "more_findings";

const TOO_LARGE: readonly string[] = [
  "too_many_entries",
  "unpacked_too_large",
  "ratio_too_high",
] satisfies FindingCode[];

/** The kind of refusal that an error with this code makes. */
export function errorCodeOf(code: string): ErrorCode {
  if (code === ("not_a_zip" satisfies FindingCode)) return "unsupported";
  return TOO_LARGE.includes(code) ? "too_large" : "unprocessable";
}

/** More findings than this help nobody, and ten thousand bad entries would make a huge answer. */
const MAX_FINDINGS = 100;

/** The findings as they are handed out: with the archive's name, errors first, and no more than anybody would read. */
export function reported(findings: readonly Finding[], archive: string): Finding[] {
  const inOrder = (["error", "warning"] as const).flatMap((wanted) => findings.filter(({ level }) => level === wanted));
  const list = inOrder.slice(0, MAX_FINDINGS).map((finding) => ({ ...finding, archive }));
  if (inOrder.length === list.length) return list;
  const message = `There is more to say of this archive than these ${list.length} findings.`;
  const more = aboutArchive("more_findings", message, "Mend what is listed, and see what remains.");
  return [...list, { ...more, level: "warning", archive }];
}

/** Characters that hide, reorder or break the text around them: controls, line breaks, direction marks, byte order mark. */
export const TREACHEROUS = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/u;
const ALL_TREACHEROUS = new RegExp(TREACHEROUS, "gu");

/** The mend for archives that no zip program would make. */
export const ZIP_AGAIN = "Make the zip archive again and upload it again.";

const MAX_SHOWN = 200;

/** An entry's name, or other text of the archive, as it may be put in front of a person: escaped, and cut if very long. */
export function shownName(name: string): string {
  const cut = name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
  return cut.replace(ALL_TREACHEROUS, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}

/** An error about one entry; `name` is the name as it stands in the archive. */
export function entryError(code: FindingCode, name: string, message: string, fix: string): Finding {
  return { ...aboutArchive(code, message, fix), file: shownName(name) };
}

/** An error about the archive as a whole. */
export function aboutArchive(code: FindingCode, message: string, fix: string): Finding {
  return { level: "error", code, archive: null, file: null, line: null, pointer: null, message, fix };
}

/** Thrown where reading an archive has to end because of a fault; only inside of the artifact store. */
export class UnreadableArchive extends Error {
  constructor(readonly finding: Finding) {
    super(finding.message);
  }
}

/** The end of reading a zip whose own records are wrong; `message` says in what way. */
export function brokenZip(message: string): UnreadableArchive {
  return new UnreadableArchive(aboutArchive("bad_zip", message, ZIP_AGAIN));
}
