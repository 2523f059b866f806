// The stream of an execution over HTTP.
import type { LogChunk } from "../handlers/log-store.js";
import { formatPlace, parsePlace, type Output } from "../models/execution-stream.js";
import { formatComment, formatId, formatUnidentified } from "../models/server-sent-event.js";
import { toInstant } from "../models/shapes.js";
import type { ExecutionStreamItem, ExecutionStreams, Placed } from "../services/execution-streams.js";
import { showExecution } from "./execution-view.js";
import { lastPlace, liveReply } from "./live-reply.js";
import type { Ask, Reply } from "./reply.js";

type StreamAsk = Ask<{ id: number }, { attempt?: number | undefined }, unknown>;

/** Up to so many bytes it is cheaper to join what is written than to write twice. */
const JOIN_BYTES = 8192;

export class ExecutionStreamController {
  /** What one reader of a log was shown is there for the others at that place. */
  private readonly shown = new WeakMap<LogChunk, Buffer>();

  constructor(private readonly with_: { executionStreams: ExecutionStreams }) {}

  stream = async (ask: StreamAsk): Promise<Reply> => {
    const place = lastPlace(ask, parsePlace, "this stream");
    // To a browser's reader, who comes again whatever happens, this says: do not (it is part of the standard).
    if (place?.ended) return { status: 204 };
    const { attempt } = ask.query;
    return liveReply(this.frames(await this.with_.executionStreams.open(ask.params.id, { attempt, place }, ask)), ask);
  };

  private async *frames(items: AsyncIterable<Placed>): AsyncGenerator<string | Buffer> {
    for await (const item of items) {
      const end = formatId(formatPlace(item.place));
      if (item.kind === "idle") yield formatComment("nothing new");
      else if (item.kind === "output") yield* together(this.outputOf(item), end);
      else yield formatUnidentified(item.kind, JSON.stringify(show(item))) + end;
    }
  }

  private outputOf({ stream, attempt, chunk }: { stream: Output; attempt: number; chunk: LogChunk }): Buffer {
    const known = this.shown.get(chunk);
    if (known) return known;
    const frame = Buffer.from(formatUnidentified("output", JSON.stringify({ stream, attempt, ...chunk })));
    this.shown.set(chunk, frame);
    return frame;
  }
}

function* together(begin: Buffer, end: string): Generator<string | Buffer> {
  if (begin.length <= JOIN_BYTES) {
    yield Buffer.concat([begin, Buffer.from(end)]);
    return;
  }
  yield begin;
  yield end;
}

function show(item: Exclude<ExecutionStreamItem, { kind: "idle" | "output" }>): unknown {
  if (item.kind === "status") return showExecution(item.details);
  if (item.kind === "progress") {
    return { attempt: item.attempt, ...item.progress, expectedEndAt: toInstant(item.expectedEndAt) };
  }
  if (item.kind === "end") return { status: item.status };
  return { stream: item.stream, attempt: item.attempt, from: item.from, to: item.to };
}
