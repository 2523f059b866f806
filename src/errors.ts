// The error vocabulary of the whole service: few codes, plain words, and details that lead to the mend.

/** What kind of fault it is; the error middleware and the SDK share one table from code to HTTP status. */
export type ErrorCode =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "unsupported"
  | "unprocessable"
  | "too_many_requests"
  | "precondition_failed"
  | "unavailable"
  | "insufficient_storage"
  | "internal";

/** One fault inside a request: `pointer` is an RFC 6901 JSON pointer, or the name of a part or archive entry. */
export interface Fault {
  pointer: string;
  message: string;
}

export interface ErrorDetails {
  /** A finer `lower_snake_case` code, listed in docs/errors.md; the problem document carries it as `code`. */
  reason?: string;
  /** Every single fault found, so that a person can mend all of them in one go. */
  errors?: Fault[];
  /** After how many seconds the same request may succeed; a client is told in the header Retry-After. */
  retryAfter?: number;
  /** Extension members of the problem document (RFC 9457, section 3.2), such as the report on a refused upload. */
  extension?: Record<string, unknown>;
  cause?: unknown;
}

/** The codes of what may go well a little later. */
const RETRIED: readonly ErrorCode[] = ["unavailable", "insufficient_storage", "too_many_requests"];
const RETRY_AFTER_S = 5;

/**
 * An error that a person may see. `message` is a plain sentence that says what is wrong, where, and how to mend it;
 * it never holds a path of the machine, a stack or a driver's message.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly reason: string;
  readonly errors: Fault[];
  readonly extension: Record<string, unknown>;
  readonly retryAfter: number | null;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.reason = details.reason ?? code;
    this.errors = details.errors ?? [];
    this.extension = details.extension ?? {};
    this.retryAfter = details.retryAfter ?? (RETRIED.includes(code) ? RETRY_AFTER_S : null);
  }
}

const DISK_FULL_CODES: readonly unknown[] = ["ENOSPC", "EDQUOT"];

/** The refusal to give when `error` says that the disk is full, which is no fault of an upload; any other as it is. */
export function explainDiskFull<Thrown>(error: Thrown): Thrown | AppError {
  const isDiskFull = error instanceof Error && "code" in error && DISK_FULL_CODES.includes(error.code);
  if (!isDiskFull) return error;
  const message =
    "The disk that keeps the uploads is full. Ask those who run this service to make room, then try again.";
  return new AppError("insufficient_storage", message, { reason: "disk_full", cause: error });
}

/** Every code with its HTTP status: the server answers by it, the SDK reads it backwards. */
export const HTTP_STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported: 415,
  unprocessable: 422,
  too_many_requests: 429,
  internal: 500,
  unavailable: 503,
  insufficient_storage: 507,
};
