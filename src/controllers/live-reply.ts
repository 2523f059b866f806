// Answers that go on as long as somebody reads: Server-Sent Events, one frame at a time, each asked for by its reader.
import { AppError } from "../errors.js";
import { formatComment, formatRetry } from "../models/server-sent-event.js";
import type { Ask, Reply } from "./reply.js";

/** So long a reader waits before it comes again after a break. */
const RETRY_MS = 1000;

/**
 * The place behind which a reader goes on, told by the header Last-Event-ID; null: it has none.
 *
 * @param parse null for what is no place
 * @param what of what it must be an id, as the end of a sentence
 * @throws AppError `invalid` in plain words: a reader that goes on from nowhere would miss something unseen
 */
export function lastPlace<Place>(
  { headers }: Pick<Ask<unknown, unknown, unknown>, "headers">,
  parse: (text: string) => Place | null,
  what: string,
): Place | null {
  const text = headers["last-event-id"] ?? "";
  const place = text === "" ? null : parse(text);
  if (place !== null || text === "") return place;
  const message = `The header Last-Event-ID is no id of ${what}. Send the id of the last event that came, or none.`;
  throw new AppError("invalid", message, { reason: "invalid_last_event_id" });
}

/**
 * A stream of frames. It ends when they do, by itself when the service stops: nothing is broken off in the middle.
 *
 * @param frames text or bytes, each the whole or a part of a frame
 */
export function liveReply(
  frames: AsyncIterable<string | Buffer>,
  { stopping }: Pick<Ask<unknown, unknown, unknown>, "stopping">,
): Reply {
  const headers = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    // Asks nginx, and others who have learnt it from it, to pass on each frame at once.
    "X-Accel-Buffering": "no",
  };
  return { status: 200, headers, bytes: bytesOf(frames, stopping), live: true };
}

async function* bytesOf(frames: AsyncIterable<string | Buffer>, stopping: AbortSignal): AsyncGenerator<Buffer> {
  yield Buffer.from(formatRetry(RETRY_MS));
  for await (const frame of frames) yield typeof frame === "string" ? Buffer.from(frame) : frame;
  if (stopping.aborted) yield Buffer.from(formatComment("the service stops; come again"));
}
