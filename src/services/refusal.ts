// A refused upload: the findings of every kind as one error, with the report that tells all of them.
import { AppError, type ErrorCode, type Fault } from "../errors.js";
import { errorCodeOf } from "../handlers/artifact-store/findings.js";
import type { Finding } from "../models/finding.js";
import type { UploadReport } from "../models/upload.js";

/** More faults than this help nobody; the report has all of them. */
const MAX_FAULTS = 100;

const CODES: Record<string, ErrorCode> = { name_taken: "conflict" };

/** The fix of what is wrong in a config: the message tells what is allowed there. */
const MEND_CONFIG = "Mend that key of the config; docs/config.md lists all of them.";

/** A fault of a config as a finding. */
export function configFinding({ pointer, message }: Fault, code = "invalid_config", fix = MEND_CONFIG): Finding {
  return { level: "error", code, archive: null, file: null, line: null, pointer, message, fix };
}

/** The error that refuses an upload: the first error among the findings gives it status and code. */
export function uploadRefusal(report: UploadReport): AppError {
  const errors = report.findings.filter(({ level }) => level === "error");
  const [first] = errors;
  const code = first
    ? (CODES[first.code] ?? (first.archive === null ? "invalid" : errorCodeOf(first.code)))
    : "invalid";
  return new AppError(code, first ? sentenceOf(first, errors.length - 1) : "The upload cannot be taken.", {
    ...(first ? { reason: first.code } : {}),
    errors: errors.slice(0, MAX_FAULTS).map(faultOf),
    extension: { report },
  });
}

function faultOf({ pointer, file, message, fix }: Finding): Fault {
  return pointer === null ? { pointer: file ?? "", message: `${message} ${fix}` } : { pointer, message };
}

function sentenceOf({ code, pointer, archive, message, fix }: Finding, others: number): string {
  const more =
    others > 0 ? ` There ${others === 1 ? "is one more fault" : `are ${others} more faults`}, see the list.` : "";
  if (archive !== null) return `${message} ${fix}${more}`;
  if (code === "name_taken") return `The name is taken: ${fix}${more}`;
  return `The config cannot be used: ${pointer || "it"} ${message.replace(/\.$/, "")}.${more}`;
}
