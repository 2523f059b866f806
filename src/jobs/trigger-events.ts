// What is told of triggers: which one it is about, and that it fired.
import type { Trigger } from "../entities/trigger.js";
import type { NewEvent } from "../handlers/event-log.js";
import { toInstant } from "../models/shapes.js";

/** A trigger as far as events tell of it. */
type Told = Pick<Trigger, "id" | "name" | "batchId" | "test">;

/** What a firing was: by whom, when it was planned for, with which payload, and what it made. */
type Firing = Pick<NewEvent, "source" | "actor" | "executionId"> & { scheduledAt: number | null; payload?: unknown };

/** The part of an event that says which trigger it is about. */
export function aboutTrigger({ id, name, batchId, test }: Told) {
  return { subject: { type: "trigger" as const, id, name: name ?? `trigger ${id}` }, batchId, test };
}

/** That a trigger fired. A payload that is undefined is none. */
export function firedEvent(trigger: Told, { scheduledAt, payload, ...firing }: Firing): NewEvent {
  const told = { scheduledAt: toInstant(scheduledAt), ...(payload === undefined ? {} : { payload }) };
  return { kind: "trigger.fired", ...aboutTrigger(trigger), ...firing, payload: told };
}
