// Turns whatever went wrong into a problem document (RFC 9457) that says what, where, and how to mend it.
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { STATUS_CODES } from "node:http";
import { AppError, HTTP_STATUS } from "../../errors.js";
import type { Logger } from "../../handlers/logger.js";
import type { Problem } from "../../models/problem.js";

/** Asked for something that no route serves. */
export const noSuchRoute: RequestHandler = (request, _response, next) => {
  const message = `There is nothing at ${request.method} ${request.path}; /api/docs lists every route.`;
  next(new AppError("not_found", message, { reason: "no_such_route" }));
};

/** Errors of express' own body parser and router that a person can cause. */
function fromLibrary(error: unknown): AppError | null {
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (type === "entity.too.large") return new AppError("too_large", "The JSON body is larger than 1 MiB.");
  if (type === "encoding.unsupported") {
    return new AppError("unsupported", "Send the body plain, or with gzip, deflate or br encoding.");
  }
  // Not decodable: %-escapes in the address, a compressed body that is broken, a length that does not fit.
  if (status === 400) return new AppError("invalid", "The request cannot be decoded; check its address and its body.");
  return null;
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return (
    fromLibrary(error) ??
    new AppError("internal", "Something went wrong inside the service; its log tells more.", { cause: error })
  );
}

export function sendProblem(response: Response, error: AppError, instance: string): void {
  const status = HTTP_STATUS[error.code];
  const problem: Problem = {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    code: error.reason,
    detail: error.message,
    instance,
    errors: error.errors,
    ...error.extension,
  };
  if (status === 401) response.set("WWW-Authenticate", 'Bearer realm="batchline"');
  if (error.retryAfter !== null) response.set("Retry-After", String(error.retryAfter));
  response.status(status).type("application/problem+json").send(JSON.stringify(problem));
}

/** The last middleware. Faults of ours are logged whole, and told without a path, a stack or a driver's words. */
export function handleErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const known = toAppError(error);
    if (["unavailable", "insufficient_storage"].includes(known.code))
      logger.warn({ err: known.cause, path: request.path }, known.message);
    if (known.code === "internal")
      logger.error({ err: error, method: request.method, path: request.path }, "request failed");
    // The answer has begun: all that is left is to break it off, so that the client sees it is not whole.
    if (response.headersSent) next(error);
    else sendProblem(response, known, request.originalUrl.split("?")[0] ?? "");
  };
}
