// Events: pages of them, which take as long at any depth, and what is to be archived or deleted by its age.
import type { EntityManager } from "typeorm";
import { Event } from "../entities/event.js";
import { ServiceState } from "../entities/service-state.js";
import { kindsAbout, matchesText, type EventFilter, type EventKind, type EventPlace } from "../models/event.js";
import { findBatch } from "./batch-queries.js";
import { lookingEnd, oneOf, placesAlong, type Condition, type Span, type Walk } from "./event-walk.js";
import { deleteRows, selectByIds, updateRows } from "./plain.js";

/** What no index can find, such as text, is looked for in so many events at most before a page ends. */
const LOOK = 1000;
/** So many deleted batches that had the same name are told apart. */
const MAX_FORMER = 3;
const DELETED_TO = "events_deleted_to";
const BOTH = [0, 1];

/** Some events, newest first. */
export interface EventPage {
  events: Event[];
  /** The place behind which the next page begins; null: there is none. */
  next: EventPlace | null;
}

/** One page. Where it must look for what no index finds, it may hold fewer events than its limit and yet have a next. */
export async function pageOfEvents(manager: EntityManager, filter: EventFilter): Promise<EventPage> {
  const { from, to, cursor, limit, q } = filter;
  // No event has the id 0: this is the place before all events of an instant.
  const startOf = (at: number | undefined) => (at === undefined ? null : { at, id: 0 });
  const span = { behind: cursor ?? startOf(to), downTo: startOf(from) };
  const { places, next } = await portionAlong(manager, await walkFor(manager, filter), span, limit);
  const rows = await selectByIds(
    manager,
    Event,
    places.map(({ id }) => id),
  );
  const events = rows.sort((a, b) => b.occurredAt - a.occurredAt || b.id - a.id);
  return { events: q === undefined ? events : events.filter((event) => matchesText(event, q)), next };
}

async function portionAlong(manager: EntityManager, walk: Walk, span: Span, limit: number) {
  const end = walk.rest.length > 0 ? await lookingEnd(manager, walk, span, LOOK) : null;
  // One over the limit tells that there are more.
  const found = await placesAlong(manager, walk, { ...span, downTo: end ?? span.downTo }, limit + 1);
  const places = found.slice(0, limit);
  return { places, next: found.length > limit ? (places.at(-1) ?? null) : end };
}

/** The index that knows the most of what is asked for; the rest is looked at row by row. */
async function walkFor(manager: EntityManager, filter: EventFilter): Promise<Walk> {
  const { execution, subject, kind, batch, q } = filter;
  const text = q === undefined ? [] : [holdsText(q)];
  const batchId = batch === undefined ? null : await batchIdsOf(manager, batch);
  const ofBatch = batchId ? [oneOf("batchId", batchId)] : [];
  const executionId = execution ?? (subject?.type === "execution" ? subject.id : undefined);
  // Who asks for one execution wants its whole story.
  const unasked = execution === undefined ? [0] : BOTH;
  const flags = { archived: filter.archived ?? unasked, test: filter.test ?? unasked };
  if (executionId !== undefined) {
    const ofSubject = subject ? [oneOf("subjectType", [subject.type]), oneOf("subjectId", [subject.id])] : [];
    const others = Object.entries({ ...flags, ...(kind ? { kind } : {}) }).map(([name, values]) => oneOf(name, values));
    const rest = [...others, ...ofSubject, ...ofBatch, ...text];
    return { index: "ix_events_execution", leading: { executionId: [executionId] }, rest };
  }
  if (subject) {
    const kinds = kindsAbout(subject.type).filter((one) => kind?.includes(one) ?? true);
    const leading = { subjectId: [subject.id], kind: kinds, ...flags };
    return { index: "ix_events_subject", leading, rest: [...ofBatch, ...text] };
  }
  if (batchId && kind) return { index: "ix_events_batch_kind", leading: { batchId, kind, ...flags }, rest: text };
  if (batchId) return { index: "ix_events_batch", leading: { batchId, ...flags }, rest: text };
  if (kind) return { index: "ix_events_kind", leading: { kind, ...flags }, rest: text };
  return { index: "ix_events_list", leading: flags, rest: text };
}

/** The batch of this id or name, or else those deleted last that had the name. */
async function batchIdsOf(manager: EntityManager, reference: string): Promise<number[]> {
  const batch = await findBatch(manager, reference);
  if (batch) return [batch.id];
  if (/^[1-9]\d{0,8}$/.test(reference)) return [Number(reference)];
  const leading = { kind: ["batch.deleted"], archived: BOTH, test: BOTH };
  const walk = { index: "ix_events_kind", leading, rest: [oneOf("subjectName", [reference])] };
  const { places } = await portionAlong(manager, walk, { behind: null, downTo: null }, MAX_FORMER);
  const ids = places.map(({ id }) => id);
  return (await selectByIds(manager, Event, ids)).map(({ subjectId }) => subjectId);
}

/**
 * The condition that an event holds a text. It lets any character pass for one beyond ASCII, whose two cases SQLite does
 * not know: whoever asks looks at what it lets through once more.
 */
function holdsText(q: string): Condition {
  const like = (text: string) =>
    text
      .toLowerCase()
      .replace(/[!%_]/g, "!$&")
      .replace(/\P{ASCII}/gu, "_");
  const [plain, inJson] = [like(q), like(JSON.stringify(q).slice(1, -1))];
  const looks = [
    ["LOWER(subjectName)", `%${plain}%`],
    ["kind", `%${plain}%`],
    // The name is the last that is written of an actor.
    ["LOWER(actor)", `%"name":"%${inJson}%"}`],
    ["LOWER(payload)", `%${plain}%`],
    ...(inJson === plain ? [] : [["LOWER(payload)", `%${inJson}%`] as const]),
  ] as const;
  return {
    sql: `(${looks.map(([column]) => `${column} LIKE ? ESCAPE '!'`).join(" OR ")})`,
    values: looks.map(([, pattern]) => pattern),
  };
}

/** Kind and instant: events of that kind that are as old or older have come of age. */
export type AgeLimit = readonly [kind: EventKind, until: number];

/** Switches of batches that exist are never among them: by these it is told who was disabled when. */
const KEPT: readonly EventKind[] = ["batch.enabled", "batch.disabled"];
const WITHOUT_BATCH = "AND NOT EXISTS (SELECT 1 FROM batches WHERE batches.id = events.subjectId)";

/** Up to `count` of the events that are to be deleted. */
export function overage(manager: EntityManager, limits: readonly AgeLimit[], count: number) {
  const kept = (kind: EventKind) => (KEPT.includes(kind) ? WITHOUT_BATCH : "");
  return ofAge(manager, limits, count, (kind) => `archived IN (FALSE, TRUE) ${kept(kind)}`);
}

/** Up to `count` of the events that are to be archived. */
export function archivable(manager: EntityManager, limits: readonly AgeLimit[], count: number) {
  return ofAge(manager, limits, count, () => "archived = FALSE");
}

/** Kind by kind: of one statement over all kinds MariaDB would read every row before it gave the first. */
async function ofAge(
  manager: EntityManager,
  limits: readonly AgeLimit[],
  count: number,
  condition: (kind: EventKind) => string,
): Promise<Pick<Event, "id" | "kind">[]> {
  const found: Pick<Event, "id" | "kind">[] = [];
  for (const [kind, until] of limits) {
    const where = `kind = ? AND test IN (FALSE, TRUE) AND occurredAt <= ? AND ${condition(kind)}`;
    const sql = `SELECT id, kind FROM events WHERE ${where} LIMIT ?`;
    found.push(...(await manager.query<typeof found>(sql, [kind, until, count - found.length])));
    if (found.length === count) break;
  }
  return found;
}

/** @returns how many of them were not archived before */
export function archiveEvents(manager: EntityManager, ids: number[]): Promise<number> {
  const { sql, values } = oneOf("id", ids);
  return updateRows(manager, Event, { archived: true }, `${sql} AND archived = FALSE`, [...values]);
}

/** Deletes events, and remembers the greatest id that ever was. @returns how many of them there were */
export async function deleteEvents(manager: EntityManager, ids: number[]): Promise<number> {
  const { sql, values } = oneOf("id", ids);
  const greatest = Math.max(...ids);
  // The arithmetic makes a number of the text, on both dialects.
  const lower = "name = ? AND value + 0 < ?";
  await manager.query(`UPDATE service_state SET value = ? WHERE ${lower}`, [String(greatest), DELETED_TO, greatest]);
  return deleteRows(manager, Event, sql, [...values]);
}

/** The greatest id that a deleted event had, 0 at first: to whoever has seen all events up to it, deletion has hidden none. */
export async function deletedTo(manager: EntityManager): Promise<number> {
  return Number((await manager.findOneBy(ServiceState, { name: DELETED_TO }))?.value ?? 0);
}
