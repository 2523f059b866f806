// A schedule in words, for people: the same on the server and in the browser.
import { toString as cronInWords } from "cronstrue";
import { cronPattern } from "./cron-expression.js";
import type { Schedule } from "./schedule.js";

/**
 * The schedule in an English sentence without a full stop, by the 24-hour clock and always with its zone, such as
 * "At 02:30, every day, Europe/Berlin". Throws ScheduleError only for an invalid cron expression.
 */
export function describeSchedule(schedule: Schedule): string {
  if (schedule.kind === "once") return `Once, on ${describeInstant(schedule.at)} UTC`;
  return `${describeCron(cronPattern(schedule.expression).plain)}, ${schedule.timeZone}`;
}

/** Minutes, with seconds only where they are not 0; what lies beyond the range of dates is shown as its number. */
function describeInstant(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return `${at} ms after 1970-01-01 00:00`;
  const [day = "", time = ""] = date.toISOString().split("T");
  return `${day} ${time.slice(0, date.getUTCSeconds() === 0 ? 5 : 8)}`;
}

function describeCron(plain: string): string {
  try {
    return cronInWords(plain, { use24HourTimeFormat: true, verbose: true });
  } catch {
    // cronstrue refuses a few valid forms, such as a list of nearest weekdays (1W,15W).
    return `At the times of the cron expression ${plain}`;
  }
}
