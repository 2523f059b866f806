// The stream of one execution, for whoever watches: its status, progress and output, whole first, and then as it comes.
import type { Execution } from "../entities/execution.js";
import { Bell } from "../handlers/bell.js";
import type { Clock } from "../handlers/clock.js";
import type { LiveLog, LogChunk, LogStore } from "../handlers/log-store.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { EventFeed } from "../jobs/event-feed.js";
import type { Progress } from "../models/execution.js";
import { beginning, fingerprint, OUTPUTS, type Output, type StreamPlace } from "../models/execution-stream.js";
import { expectedEnd } from "../models/expected-end.js";
import { isFinal, type ExecutionStatus } from "../models/status.js";
import { noSuchAttempt, type ExecutionDetails, type ExecutionService } from "./execution-service.js";
import { KEEP_ALIVE_MS, type StreamSeats, type Watcher } from "./stream-seats.js";

interface Collaborators {
  executions: ExecutionService;
  feed: EventFeed;
  logs: LogStore;
  workspaces: Workspaces;
  seats: StreamSeats;
  clock: Clock;
}

/** What a stream of an execution tells. */
export type ExecutionStreamItem =
  | { kind: "status"; details: ExecutionDetails }
  | { kind: "progress"; attempt: number; progress: Progress; expectedEndAt: number | null }
  | { kind: "output"; stream: Output; attempt: number; chunk: LogChunk }
  /** Bytes that this reader does not get here: it was too slow for them, or they are gone. */
  | { kind: "skipped"; stream: Output; attempt: number; from: number; to: number }
  | { kind: "end"; status: ExecutionStatus }
  | { kind: "idle" };

/** An item, with all that the reader has had when it has this. */
export type Placed = ExecutionStreamItem & { place: StreamPlace };

/** A script's progress, and a log that is not there yet, are looked for this often; at first more often. */
const LOOK_MS = 200;
const FIRST_LOOK_MS = 20;
const FIRST_LOOKS = 50;
/** A reader who has had all that there was when it came, and is so far behind now, is moved on to near the end. */
const MOST_BEHIND_BYTES = 4 * 1024 * 1024;
/** A shorter chunk than this is the end of its log, or nearly. */
const LONG_CHUNK_BYTES = 32 * 1024;
const LOG_STREAMS = { out: "log", err: "error_log" } as const;

export class ExecutionStreams {
  constructor(private readonly with_: Collaborators) {}

  /**
   * All that there is to tell of an execution, up to its end.
   *
   * @param attempt only this one; left out: the present or last one, and those that follow
   * @param place what the reader has had; null: nothing
   * @throws AppError `not_found`, or `too_many_requests` if this watcher has too many streams open
   */
  async open(
    id: number,
    { attempt, place }: { attempt: number | undefined; place: StreamPlace | null },
    watcher: Watcher,
  ): Promise<AsyncGenerator<Placed>> {
    const { executions, feed, seats } = this.with_;
    seats.take(watcher);
    const reader = new Reader(this.with_, { id, wanted: attempt, watcher });
    await feed.listen(reader.changed, watcher.gone, id);
    await reader.take(await executions.get(id), place);
    return reader.items();
  }
}

/** One reader: its place, and what it follows. */
class Reader {
  private readonly bell = new Bell();
  private readonly place = beginning();
  private stale = false;
  private details!: ExecutionDetails;
  private logs: Partial<Record<Output, LiveLog>> = {};
  private leaving = new AbortController();
  private looks = 0;
  /** How much of each log there was when this reader came: all of that it gets, however slowly it reads. */
  private backlog: Partial<Record<Output, number>> = {};

  constructor(
    private readonly with_: Collaborators,
    private readonly of: { id: number; wanted: number | undefined; watcher: Watcher },
  ) {
    const { gone, stopping } = of.watcher;
    gone.addEventListener("abort", () => this.leave(), { once: true });
    stopping.addEventListener("abort", this.bell.ring, { once: true, signal: gone });
  }

  /** An event about the execution has been told. */
  readonly changed = (): void => {
    this.stale = true;
    this.bell.ring();
  };

  /** Begins at a place, as far as there is such a one. */
  async take(details: ExecutionDetails, place: StreamPlace | null): Promise<void> {
    const { attempt } = details.execution;
    const { id, wanted } = this.of;
    if (wanted !== undefined && wanted > attempt) throw noSuchAttempt(id, attempt, wanted);
    this.details = details;
    if (place) Object.assign(this.place, place);
    const goesOn =
      place && place.attempt > 0 && place.attempt <= attempt && place.attempt === (wanted ?? place.attempt);
    if (!goesOn) this.begin(wanted ?? attempt);
    for (const stream of OUTPUTS) await this.log(stream);
  }

  async *items(): AsyncGenerator<Placed> {
    const { gone, stopping } = this.of.watcher;
    let told = performance.now();
    while (!gone.aborted && !stopping.aborted) {
      if (this.stale) {
        this.stale = false;
        this.details = await this.with_.executions.get(this.of.id);
      }
      let any = false;
      for await (const item of this.news()) {
        yield { ...item, place: { ...this.place } };
        told = performance.now();
        any = true;
      }
      if (this.place.ended) return;
      if (any || (await this.bell.rung(this.patience()))) continue;
      if (performance.now() - told < KEEP_ALIVE_MS) continue;
      yield { kind: "idle", place: { ...this.place } };
      told = performance.now();
    }
  }

  /** What there is to tell now, of each kind once at most: so no stream of output keeps anything else waiting. */
  private async *news(): AsyncGenerator<ExecutionStreamItem> {
    const { details, place } = this;
    const status = fingerprint(statusOf(details.execution));
    if (status !== place.status) {
      place.status = status;
      yield { kind: "status", details };
    }
    // Asked before the logs are read: what was written before the end is still found.
    const over = this.isOver();
    yield* this.progress(over);
    let whole = true;
    for (const stream of OUTPUTS) {
      for await (const item of this.output(stream, over)) {
        whole = false;
        yield item;
      }
    }
    if (whole && over && !this.stale) yield* this.next();
  }

  /** What follows when an attempt is over and all of it is told. */
  private *next(): Generator<ExecutionStreamItem> {
    const { attempt, status } = this.details.execution;
    if (this.of.wanted === undefined && attempt > this.place.attempt) {
      this.begin(attempt);
      return;
    }
    if (this.of.wanted === undefined && !isFinal(status)) return;
    this.place.ended = true;
    const earlier = this.details.earlier.find(({ number }) => number === this.place.attempt);
    yield { kind: "end", status: earlier?.status ?? status };
  }

  private begin(attempt: number): void {
    this.leave();
    this.leaving = new AbortController();
    Object.assign(this.place, { ...beginning(), status: this.place.status, attempt });
    this.backlog = {};
    this.looks = 0;
    this.bell.ring();
  }

  private leave(): void {
    this.leaving.abort();
    this.logs = {};
    this.bell.ring();
  }

  private isOver(): boolean {
    const { attempt, status } = this.details.execution;
    return attempt > this.place.attempt || (status !== "running" && status !== "stopping");
  }

  private patience(): number {
    if (this.isOver()) return KEEP_ALIVE_MS;
    const isNew = this.looks++ < FIRST_LOOKS && !OUTPUTS.every((stream) => this.logs[stream]);
    return isNew ? FIRST_LOOK_MS : LOOK_MS;
  }

  private *progress(over: boolean): Generator<ExecutionStreamItem> {
    const { execution, typicalMs = null } = this.details;
    const { attempt } = this.place;
    if (attempt === 0 || attempt !== execution.attempt) return;
    const progress = over ? execution.progress : this.with_.workspaces.progress(runIdOf(this.of.id, attempt));
    const print = fingerprint(progress);
    if (!progress || print === this.place.progress) return;
    this.place.progress = print;
    const known = { startedAt: execution.startedAt ?? 0, percent: progress.percent, typicalMs };
    const expectedEndAt = over ? null : expectedEnd(known, this.with_.clock.now());
    yield { kind: "progress", attempt, progress, expectedEndAt };
  }

  /** At most one piece. */
  private async *output(stream: Output, over: boolean): AsyncGenerator<ExecutionStreamItem> {
    const { place } = this;
    const { attempt } = place;
    const log = await this.log(stream);
    const from = place[stream];
    if (!log) {
      const to = over ? (this.recorded(stream) ?? 0) : 0;
      if (from >= to) return;
      place[stream] = to;
      yield { kind: "skipped", stream, attempt, from, to };
      return;
    }
    const chunk = await log.chunkAt(from, over);
    if (!chunk) return;
    if (from >= (this.backlog[stream] ?? 0) && chunk.bytes > LONG_CHUNK_BYTES) {
      const to = (await log.size()) - from > MOST_BEHIND_BYTES ? await log.nearEnd(from) : from;
      if (to > from) {
        place[stream] = to;
        yield { kind: "skipped", stream, attempt, from, to };
        return;
      }
    }
    place[stream] += chunk.bytes;
    yield { kind: "output", stream, attempt, chunk };
  }

  private async log(stream: Output): Promise<LiveLog | undefined> {
    const known = this.logs[stream];
    if (known || this.place.attempt === 0) return known;
    const { signal } = this.leaving;
    const ref = { executionId: this.of.id, attempt: this.place.attempt, stream: LOG_STREAMS[stream] };
    const log = await this.with_.logs.live(ref, this.bell.ring, signal);
    if (!log || signal.aborted) return undefined;
    // A reader may name any place; there is nothing behind the end.
    const size = (this.backlog[stream] = await log.size());
    this.place[stream] = Math.min(this.place[stream], size);
    return (this.logs[stream] = log);
  }

  /** How many bytes the log of an attempt that is over has had. */
  private recorded(stream: Output): number | null {
    const { execution, earlier } = this.details;
    const { attempt } = this.place;
    const row = attempt === execution.attempt ? execution : earlier.find(({ number }) => number === attempt);
    return (stream === "out" ? row?.logBytes : row?.errorLogBytes) ?? null;
  }
}

/** What of an execution is its status; all else of it is told otherwise, or never changes. */
function statusOf(row: Execution): unknown[] {
  const { status, attempt, reasonCode, queuedAt, startedAt, finishedAt, retryAt, exitCode, leftovers, waits } = row;
  return [status, attempt, reasonCode, queuedAt, startedAt, finishedAt, retryAt, exitCode, leftovers, waits];
}
