// The wire format of Server-Sent Events: what is written is read, wherever the text is cut and whatever is in it.
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  EventStreamParser,
  formatComment,
  formatEvent,
  formatId,
  formatRetry,
  type ServerSentEvent,
} from "../../src/models/server-sent-event.js";

const line = fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n\0]/g, ""));
const anEvent = fc.record({
  event: line.filter((text) => text !== ""),
  data: fc.array(line, { minLength: 1 }).map((lines) => lines.join("\n")),
  id: line,
});

it("reads what it writes, cut anywhere", () => {
  fc.assert(
    fc.property(fc.array(anEvent), fc.array(fc.nat(7), { minLength: 1 }), (events, cuts) => {
      const text = formatRetry(1000) + events.map((event) => formatComment("x") + formatEvent(event)).join("");
      const parser = new EventStreamParser();
      const seen: ServerSentEvent[] = [];
      for (let at = 0, i = 0; at < text.length; i++) {
        const length = (cuts[i % cuts.length] ?? 0) + 1;
        seen.push(...parser.push(text.slice(at, at + length)));
        at += length;
      }
      expect(seen).toEqual(events);
      expect(parser.lastEventId).toBe(events.at(-1)?.id ?? "");
    }),
  );
});

it("puts every line of the data behind a field of its own, so that no data can end an event", () => {
  expect(formatEvent({ event: "output", data: "one\n\nevent: end\rtwo\r\nthree", id: "7" })).toBe(
    "event: output\ndata: one\ndata: \ndata: event: end\ndata: two\ndata: three\nid: 7\n\n",
  );
});

it.each(["1\n2", "1\r", "1\0"])("refuses an id that is no line: %j", (id) => {
  expect(() => formatId(id)).toThrow(RangeError);
});

it.each([
  ["one line end", "data: a\n\ndata: b\n\n"],
  ["the other", "data: a\r\rdata: b\r\r"],
  ["both", "data: a\r\n\r\ndata: b\r\n\r\n"],
  ["no space", "data:a\n\ndata:b\n\n"],
  ["fields that nobody knows", "data: a\nfoo: bar\nbaz\n\n:\n\ndata: b\n\n"],
])("understands what the standard allows: %s", (_, text) => {
  for (const cut of [text.length, 1]) {
    const parser = new EventStreamParser("5");
    const seen = [...text.matchAll(new RegExp(`[^]{1,${cut}}`, "g"))].flatMap(([part]) => parser.push(part));
    expect([...seen, ...parser.push("\n")].map(({ data }) => data)).toEqual(["a", "b"]);
    expect(seen[0]).toEqual({ event: "message", data: "a", id: "5" });
  }
});

it("takes a place only with the end of its event: what breaks off must come again", () => {
  const parser = new EventStreamParser("5");
  expect(parser.push("event: event\ndata: x\nid: 6\n")).toEqual([]);
  expect(parser.lastEventId).toBe("5");
  parser.push("\n");
  expect(parser.lastEventId).toBe("6");
  parser.push("id: 9\n\n");
  expect(parser.lastEventId).toBe("9");
});
