// The ages of events: how a list of them is read, and which one counts for a kind.
import { describe, expect, it } from "vitest";
import {
  ARCHIVE_AFTER,
  comeOfAge,
  DELETE_AFTER,
  deletedUnarchived,
  parseEventAges,
  type EventAges,
} from "../../src/models/event-ages.js";

const HOUR = 3_600_000;

function agesOf(text: string): EventAges {
  const ages = parseEventAges(text);
  if (typeof ages === "string") throw new Error(ages);
  return ages;
}

describe("a list of ages", () => {
  it("has one for all, and a kind counts for more than a beginning wherever it stands", () => {
    const ages = agesOf(" batch.edited = 3h ,batch.*=2h, 1h,token.made=never ");
    expect(ages["execution.started"]).toBe(HOUR);
    expect(ages["batch.deleted"]).toBe(2 * HOUR);
    expect(ages["batch.edited"]).toBe(3 * HOUR);
    expect(ages["token.made"]).toBeNull();
    expect(ages["token.revoked"]).toBe(HOUR);
  });

  it("keeps what people do for longer, if nothing is said", () => {
    const [archive, remove] = [agesOf(ARCHIVE_AFTER), agesOf(DELETE_AFTER)];
    expect([archive["execution.finished"], remove["execution.finished"]]).toEqual([2 * HOUR, 48 * HOUR]);
    expect([archive["trigger.fired"], remove["trigger.fired"]]).toEqual([2 * HOUR, 48 * HOUR]);
    for (const kind of ["batch.edited", "version.activated", "trigger.deleted", "token.made"] as const)
      expect([archive[kind], remove[kind]], kind).toEqual([7 * 24 * HOUR, 365 * 24 * HOUR]);
    expect(deletedUnarchived(archive, remove)).toBeUndefined();
  });

  it("is refused in words where it is none", () => {
    const complaints: Record<string, RegExp> = {
      "": /must be ages .* "" is none/,
      soon: /"soon" is none/,
      "400d": /at most 366d.*"400d" is none/,
      "2h,": /"" is none/,
      "2h, batch.*=": /"batch.\*=" is none/,
      "2h, =3h": /"=3h" is none/,
      "2h, batch.*=3h=4h": /is none/,
      "2h, batch.read=3h": /names no kind of event in "batch.read=3h"; kinds are batch.uploaded, /,
      "2h, batch=3h": /names no kind/,
      "2h, 3h": /says twice how old all events may become/,
      "2h, token.*=3h, token.*=4h": /says twice how old token\.\* may become/,
      "batch.*=3h": /must say an age for the kinds that it does not name/,
    };
    for (const [text, complaint] of Object.entries(complaints)) expect(parseEventAges(text), text).toMatch(complaint);
    expect(parseEventAges("x".repeat(10_000))).toMatch(/^.{1,300}$/);
  });
});

it("a kind that would be deleted before it is archived is told; one that is never archived may be deleted", () => {
  expect(deletedUnarchived(agesOf("2h, token.*=3h"), agesOf("2h"))).toBe("token.made");
  expect(deletedUnarchived(agesOf("2h, token.*=never"), agesOf("2h"))).toBeUndefined();
  expect(deletedUnarchived(agesOf("2h"), agesOf("never"))).toBeUndefined();
});

it("come of age is what happened so long ago, and never what is to stay", () => {
  const limits = new Map(comeOfAge(agesOf("1h, token.*=never"), 5 * HOUR));
  expect(limits.get("batch.edited")).toBe(4 * HOUR);
  expect(limits.has("token.made")).toBe(false);
});
