// Tells a full disk from other failures: it is no fault of the upload, and only the people who run the service can help.
import { AppError } from "../../errors.js";

const DISK_FULL_CODES: readonly unknown[] = ["ENOSPC", "EDQUOT"];

/** The refusal to give when `error` says that the disk is full; any other error as it is. */
export function explainDiskFull(error: unknown): unknown {
  const isDiskFull = error instanceof Error && "code" in error && DISK_FULL_CODES.includes(error.code);
  if (!isDiskFull) return error;
  const message =
    "The disk that keeps the uploads is full. Ask those who run this service to make room, then try again.";
  return new AppError("insufficient_storage", message, { reason: "disk_full", cause: error });
}
