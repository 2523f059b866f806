// Events: what a word for kinds means, what a text is found in, and the cursor of a page.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SYSTEM } from "../../src/models/actor.js";
import {
  decodeEventCursor,
  encodeEventCursor,
  EVENT_KINDS,
  kindsAbout,
  kindsMeantBy,
  matchesText,
  SUBJECT_TYPES,
} from "../../src/models/event.js";

it("a word means one kind, or all that begin so, or nothing", () => {
  expect(kindsMeantBy("batch.edited")).toEqual(["batch.edited"]);
  expect(kindsMeantBy("token.*")).toEqual(["token.made", "token.revoked"]);
  for (const word of ["", "*", ".*", "batch", "batch.", "batch*", "batch.ed*", "Batch.edited", "batch.edited.*"])
    expect(kindsMeantBy(word), word).toEqual([]);
});

it("every kind is told in the documentation", () => {
  const text = readFileSync("docs/events.md", "utf8");
  expect(EVENT_KINDS.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([]);
});

it("every kind is about one type of subject", () => {
  expect(SUBJECT_TYPES.flatMap(kindsAbout).sort()).toEqual([...EVENT_KINDS].sort());
  expect(kindsAbout("execution")).toContain("delivery.sent");
});

it("a text is found in names, kind and payload, whatever the case of its letters, and nowhere else", () => {
  const event = {
    kind: "batch.edited",
    subjectName: "Späte Läufe",
    actor: { ...SYSTEM, name: "Ops" },
    payload: { keys: 'said "no"\n', deep: [{ at: "ÄRGER" }] },
  };
  for (const text of ["BATCH.ed", "späte lÄU", "ops", 'SAID "no"', "\n", "ärger", '"deep":[{'])
    expect(matchesText(event, text), text).toBe(true);
  for (const text of ["system", "name", "spate", "said no", "%", "_"])
    expect(matchesText(event, text), text).toBe(false);
});

it("a cursor comes back as it went, and nothing else is one", () => {
  for (const place of [
    { at: 1_796_126_400_123, id: 7 },
    { at: 0, id: 0 },
    { at: -5, id: 999_999_999 },
  ])
    expect(decodeEventCursor(encodeEventCursor(place))).toEqual(place);
  for (const text of ["", "!", "A", btoa("event:1"), btoa("event:1:2:3"), btoa("event:1e3:2"), btoa("after:5")])
    expect(decodeEventCursor(text.replaceAll("=", "")), text).toBeNull();
});
