// The ages of events: after how long each kind of them is archived, and after how long it is deleted.
import { parseDuration } from "./duration.js";
import { EVENT_KINDS, kindsMeantBy, type EventKind } from "./event.js";

/** By kind, in ms; null: never. */
export type EventAges = Readonly<Record<EventKind, number | null>>;

/** What people do is kept for longer than what runs do. */
const AUDIT = ["batch.*", "version.*", "trigger.created", "trigger.edited", "trigger.deleted", "token.*"];
const lists = (general: string, audit: string) => [general, ...AUDIT.map((word) => `${word}=${audit}`)].join(", ");
export const ARCHIVE_AFTER = lists("2h", "7d");
export const DELETE_AFTER = lists("48h", "365d");

/**
 * Reads a list such as `48h, batch.*=365d, execution.missed=never`: an age for all kinds, and those of some. A kind counts
 * for more than a beginning, wherever it stands.
 *
 * @returns the ages, or a complaint that follows the list's name
 */
export function parseEventAges(text: string): EventAges | string {
  const ages = new Map<string, number | null>();
  for (const part of text.split(",")) {
    const [, word = "*", age = ""] = /^\s*(?:([\w.*]+)\s*=)?\s*(\w+)\s*$/.exec(part) ?? [];
    const ms = age === "never" ? null : parseDuration(age);
    const shown = part.trim().slice(0, 60);
    if (ms === null && age !== "never")
      return `must be ages of at most 366d such as 48h, or never, each but one behind a kind and =, with commas between; "${shown}" is none`;
    if (word !== "*" && kindsMeantBy(word).length === 0)
      return `names no kind of event in "${shown}"; kinds are ${EVENT_KINDS.join(", ")}, or beginnings such as batch.*`;
    if (ages.has(word)) return `says twice how old ${word === "*" ? "all events" : word} may become`;
    ages.set(word, ms);
  }
  if (!ages.has("*")) return "must say an age for the kinds that it does not name, such as 48h";
  const ageOf = (kind: EventKind) => [kind, kind.replace(/\..*/, ".*"), "*"].find((word) => ages.has(word)) ?? "*";
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, ages.get(ageOf(kind)) ?? null])) as EventAges;
}

/** The first kind that would be deleted before it is archived. */
export function deletedUnarchived(archiveAfter: EventAges, deleteAfter: EventAges): EventKind | undefined {
  return EVENT_KINDS.find((kind) => (deleteAfter[kind] ?? Infinity) < (archiveAfter[kind] ?? 0));
}

/** The instants, in ms since 1970, up to which events of each kind have come of age by `now`; those that never do left out. */
export function comeOfAge(ages: EventAges, now: number): [kind: EventKind, until: number][] {
  return EVENT_KINDS.flatMap((kind): [EventKind, number][] => {
    const age = ages[kind];
    return age === null ? [] : [[kind, now - age]];
  });
}
