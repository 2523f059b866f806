// What can be wrong with an uploaded archive, said for people, and how findings become one refusal.
import { AppError, type ErrorCode } from "../../errors.js";

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
  | "private_file";

/** One thing found in an archive. Errors refuse it; warnings only tell. */
export interface Finding {
  level: "error" | "warning";
  code: FindingCode;
  /** Name of the entry, made fit for showing; absent when the archive as a whole is meant. */
  entry?: string;
  /** Line inside the entry, counted from 1. */
  line?: number;
  /** A full sentence: what is wrong, and where. */
  message: string;
  /** A full sentence: how to mend it. */
  fix: string;
}

const ERROR_CODES: Partial<Record<FindingCode, ErrorCode>> = {
  not_a_zip: "unsupported",
  too_many_entries: "too_large",
  unpacked_too_large: "too_large",
  ratio_too_high: "too_large",
};

/** More errors than this help nobody, and ten thousand bad entries would make a huge answer. */
const MAX_ERRORS = 100;

/** Characters that hide, reorder or break the text around them: controls, line breaks, direction marks, byte order mark. */
export const TREACHEROUS = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/u;
const ALL_TREACHEROUS = new RegExp(TREACHEROUS, "gu");

/** The mend for archives that no zip program would make. */
export const ZIP_AGAIN = "Make the zip archive again and upload it again.";

const MAX_SHOWN_NAME = 200;

/** An entry's name as it may be put in front of a person: treacherous characters escaped, very long names cut. */
export function shownName(name: string): string {
  const cut = name.length > MAX_SHOWN_NAME ? `${name.slice(0, MAX_SHOWN_NAME)}…` : name;
  return cut.replace(ALL_TREACHEROUS, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}

/** An error about one entry; `name` is the name as it stands in the archive. */
export function entryError(code: FindingCode, name: string, message: string, fix: string): Finding {
  return { level: "error", code, entry: shownName(name), message, fix };
}

/** An error about the archive as a whole. */
export function archiveError(code: FindingCode, message: string, fix: string): Finding {
  return { level: "error", code, message, fix };
}

/** The refusal of a zip whose own records are wrong; `message` says in what way. */
export function brokenZip(message: string): AppError {
  return refusal([archiveError("bad_zip", message, ZIP_AGAIN)]);
}

/** Says no when there is an error among the findings. */
export function refuseErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.level === "error");
  if (errors.length > 0) throw refusal(errors);
}

/** The refusal made of these errors, at least one: the first gives code, reason and message; `errors` lists them all. */
export function refusal(errors: readonly Finding[]): AppError {
  const reason = errors[0]?.code ?? "bad_zip";
  const first = errors[0] ? sentence(errors[0]) : "The archive cannot be used.";
  const more = errors.length > 1 ? ` The archive has ${errors.length} faults in all, see the list.` : "";
  return new AppError(ERROR_CODES[reason] ?? "unprocessable", first + more, {
    reason,
    errors: errors.slice(0, MAX_ERRORS).map((error) => ({ pointer: error.entry ?? "", message: sentence(error) })),
  });
}

function sentence({ message, fix }: Finding): string {
  return `${message} ${fix}`;
}
