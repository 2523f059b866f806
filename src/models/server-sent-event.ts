// The wire format of Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), both ways.

export interface ServerSentEvent {
  /** The name that a reader listens for. */
  event: string;
  data: string;
  /** What a reader shows as Last-Event-ID when it comes again. */
  id: string;
}

const LINE_END = /\r\n|\r|\n/;

/** One event, whole. Neither the name nor the id may hold a line break; in the data each becomes a line of its own. */
export function formatEvent({ event, data, id }: ServerSentEvent): string {
  return `${formatUnidentified(event, data)}${formatId(id)}`;
}

/** The beginning of an event, up to its id: alike for all readers, wherever each stands. */
export function formatUnidentified(event: string, data: string): string {
  const lines = data.split(LINE_END).map((line) => `data: ${line}\n`);
  return `event: ${event}\n${lines.join("")}`;
}

/** The end of an event; alone it moves the place of a reader, who hears nothing of it. */
export function formatId(id: string): string {
  if (/[\r\n\0]/.test(id)) throw new RangeError("An id of an event is one line.");
  return `id: ${id}\n\n`;
}

/** What a reader passes over: it shows that the connection lives. */
export function formatComment(text: string): string {
  return `: ${text}\n\n`;
}

/** So long a reader waits before it comes again. */
export function formatRetry(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** Takes a stream of text apart again, wherever its chunks are cut. */
export class EventStreamParser {
  private unread = "";
  private event = "";
  private data: string[] = [];
  private id: string;

  /** @param lastEventId the id that counts until the stream gives another */
  constructor(public lastEventId = "") {
    this.id = lastEventId;
  }

  /** The events that this chunk completes. */
  push(chunk: string): ServerSentEvent[] {
    const text = this.unread + chunk;
    // A CR at the very end may be half of a CR LF.
    const held = text.endsWith("\r") ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(LINE_END);
    this.unread = (lines.pop() ?? "") + text.slice(text.length - held);
    return lines.flatMap((line) => this.line(line) ?? []);
  }

  private line(line: string): ServerSentEvent | null {
    if (line === "") return this.dispatch();
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") this.event = value;
    if (field === "data") this.data.push(value);
    if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): ServerSentEvent | null {
    const { data, event } = this;
    this.data = [];
    this.event = "";
    // Only now: an event that breaks off before its end must come again.
    this.lastEventId = this.id;
    if (data.length === 0) return null;
    return { event: event || "message", data: data.join("\n"), id: this.lastEventId };
  }
}
