// The one error of the schedule arithmetic; its message is a sentence that may be shown to a person.

/** Thrown for a schedule that no one should have stored: check with `explainCron` and `isTimeZone` first. */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

/** Thrown for a schedule that can be read, and has no occurrence at all. */
export class NeverFiresError extends ScheduleError {}
