// Reads a stream of Server-Sent Events as a program does: frame by frame, and no faster than the test asks.
import { onTestFinished } from "vitest";
import { EventStreamParser, type ServerSentEvent } from "../../src/models/server-sent-event.js";
import { ADMIN_TOKEN } from "./app.js";
import { PATIENCE } from "./patience.js";

export class Watching {
  /** What came, in order. */
  readonly seen: ServerSentEvent[] = [];
  private readonly parser = new EventStreamParser();
  private readonly decoder = new TextDecoder();
  private readonly chunks: ReadableStreamDefaultReader<Uint8Array>;
  private taken = 0;
  /** The bytes as text, comments too. */
  text = "";

  private constructor(
    readonly response: Response,
    private readonly leaving: AbortController,
  ) {
    this.chunks = response.body!.getReader();
  }

  /** Opens a stream of the service at `url`; it is left when the test has finished. */
  static async open(url: string, lastEventId?: string): Promise<Watching> {
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const headers = new Headers({ Authorization: `Bearer ${ADMIN_TOKEN}` });
    if (lastEventId !== undefined) headers.set("Last-Event-ID", lastEventId);
    const response = await fetch(url, { headers, signal: leaving.signal });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new Watching(response, leaving);
  }

  get lastEventId(): string {
    return this.parser.lastEventId;
  }

  /** The next one of these names that no call has given yet. */
  async next(...names: string[]): Promise<ServerSentEvent> {
    for (;;) {
      for (const event of this.seen.slice(this.taken)) {
        this.taken += 1;
        if (names.length === 0 || names.includes(event.event)) return event;
      }
      if (!(await this.read()))
        throw new Error(`The stream ended; it told ${this.seen.map((e) => e.event).join(", ")}`);
    }
  }

  /** Reads until `enough` says so. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) if (!(await this.read())) throw new Error("The stream ended early.");
  }

  /** Reads to the end. */
  async rest(): Promise<void> {
    while (await this.read());
  }

  leave(): void {
    this.leaving.abort();
  }

  /** Reads what comes next; false: the stream is over. */
  private async read(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      const told = () => reject(new Error(`Nothing came; so far ${this.seen.map((e) => e.event).join(", ")}`));
      timer = setTimeout(told, PATIENCE.timeout);
    });
    const { done, value } = await Promise.race([this.chunks.read(), patience]).finally(() => clearTimeout(timer));
    if (done) return false;
    const text = this.decoder.decode(value, { stream: true });
    this.text += text;
    this.seen.push(...this.parser.push(text));
    return true;
  }
}
