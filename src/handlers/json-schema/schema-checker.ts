// Checks JSON Schemas, and payloads against them, in a thread of its own: whatever they are, the service goes on meanwhile.
import { Worker } from "node:worker_threads";
import type { Fault } from "../../errors.js";
import { explainTooLarge, findSchemaFaults, type SchemaFault } from "../../models/json-schema.js";

/** As JSON; no payload: the schema alone is checked. */
export interface SchemaOrder {
  schema: string;
  payload: string | null;
}

export interface SchemaAnswer {
  about: "schema" | "payload";
  faults: Fault[];
}

type Answer = SchemaAnswer | "given up";

interface Job {
  order: SchemaOrder;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/**
 * What is innocent takes a few milliseconds. It is counted from when the thread turns to it, but by the clock on the wall: on a
 * machine whose processors are taken by scripts that is many times what it would take alone.
 */
const PATIENCE_MS = 1000;

const STOPPED = "The service is being stopped; schemas are not checked any more.";

/** More faults than this help nobody. */
const MAX_FAULTS = 100;

/** A payload of 1 MiB takes some 40 MB while it is looked at. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 };

/** One thread, started when the first schema comes; orders wait for their turn here, so that none is lost with it. */
export class SchemaChecker {
  private readonly waiting: Job[] = [];
  private current: Job | null = null;
  private thread: Worker | null = null;
  private isReady = false;
  private deadline: NodeJS.Timeout | undefined;
  private isClosed = false;

  /** @param patienceMs how long one schema or payload may take */
  constructor(private readonly patienceMs = PATIENCE_MS) {}

  /** What is wrong with a schema; pointers lead into it. What has no fault can be used by {@link validate}. */
  async check(schema: unknown): Promise<SchemaFault[]> {
    const tooLarge = explainTooLarge(schema);
    if (tooLarge) return withCode("schema_too_complex", [tooLarge]);
    const faults = findSchemaFaults(schema);
    if (faults.length > 0) return withCode("schema_invalid", faults);
    const answer = await this.order({ schema: JSON.stringify(schema), payload: null });
    if (answer !== "given up") return withCode("schema_invalid", answer.faults);
    const message = "takes too long or too much memory to compile; make it simpler";
    return withCode("schema_too_complex", [{ pointer: "", message }]);
  }

  /** What of a payload does not fit a checked schema; pointers lead into the payload. */
  async validate(schema: unknown, payload: unknown): Promise<SchemaFault[]> {
    const answer = await this.order({ schema: JSON.stringify(schema), payload: JSON.stringify(payload) });
    if (answer !== "given up") return withCode(`${answer.about}_invalid`, answer.faults);
    const message = "takes too long or too much memory to be held against the schema; make either of them simpler";
    return withCode("payload_too_complex", [{ pointer: "", message }]);
  }

  /** Ends the thread; what is not answered by then is refused. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.thread?.terminate();
  }

  private order(order: SchemaOrder): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ order, resolve, reject });
      this.next();
    });
  }

  /** Turns to the next order if the thread is free; there is one only from the first order on. */
  private next(): void {
    if (this.current !== null) return;
    if (this.isClosed) this.rejectAll(new Error(STOPPED));
    if (this.waiting.length === 0) {
      this.thread?.unref();
      return;
    }
    const thread = (this.thread ??= this.start());
    thread.ref();
    if (!this.isReady) return;
    this.current = this.waiting.shift() ?? null;
    thread.postMessage(this.current?.order);
    this.deadline = setTimeout(() => {
      void thread.terminate();
      this.bury(thread, null);
    }, this.patienceMs);
  }

  private start(): Worker {
    const thread = new Worker(new URL("./schema-worker.js", import.meta.url), {
      name: "schemas",
      resourceLimits: RESOURCE_LIMITS,
    });
    let failure: Error | null = null;
    thread.on("message", (message: SchemaAnswer | "ready") => {
      // Its last word may come when it has been given up.
      if (thread !== this.thread) return;
      if (message === "ready") this.isReady = true;
      else this.finish((job) => job.resolve(message));
      this.next();
    });
    thread.on("error", (error) => (failure = error));
    thread.on("exit", () => this.bury(thread, failure));
    return thread;
  }

  /** What the thread was at when it ended is given up; the others get a new one. */
  private bury(thread: Worker, failure: Error | null): void {
    if (thread !== this.thread) return;
    const wasReady = this.isReady;
    this.thread = null;
    this.isReady = false;
    const isBeyondLimits = failure === null || ("code" in failure && failure.code === "ERR_WORKER_OUT_OF_MEMORY");
    if (isBeyondLimits && !this.isClosed) this.finish((job) => job.resolve("given up"));
    else this.finish((job) => job.reject(failure ?? new Error(STOPPED)));
    // One that does not even start would not the next time either.
    if (wasReady) this.next();
    else this.rejectAll(failure ?? new Error(STOPPED));
  }

  private finish(end: (job: Job) => void): void {
    clearTimeout(this.deadline);
    const job = this.current;
    this.current = null;
    if (job !== null) end(job);
  }

  private rejectAll(error: Error): void {
    for (const job of this.waiting.splice(0)) job.reject(error);
  }
}

function withCode(code: SchemaFault["code"], faults: Fault[]): SchemaFault[] {
  return faults.slice(0, MAX_FAULTS).map((fault) => ({ ...fault, code }));
}
