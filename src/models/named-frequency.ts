// Schedules by name instead of cron: the `every` of a batch config, and the cron expression each one stands for.
import { z } from "zod";

const FREQUENCIES = ["hourly", "daily", "weekly", "monthly"] as const;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

type Frequency = (typeof FREQUENCIES)[number];

const FORMS = 'must be hourly, daily, weekly or monthly, or an object such as {"frequency": "daily", "at": "06:30"}';

const DAY_OF_MONTH = '"day" is a day of the month from 1 to 31, or "last"';
const TIME_OF_DAY = '"at" is a time of day from "00:00" to "23:59", with two digits each';

function wholeNumber(low: number, high: number, error: string) {
  return z.int({ error }).min(low, { error }).max(high, { error });
}

const detailsSchema = z
  .strictObject({
    frequency: z.enum(FREQUENCIES, { error: '"frequency" is hourly, daily, weekly or monthly' }),
    at: z
      .string({ error: TIME_OF_DAY })
      .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: TIME_OF_DAY })
      .optional(),
    weekday: z.enum(WEEKDAYS, { error: `"weekday" is one of ${WEEKDAYS.join(", ")}` }).optional(),
    day: z.union([wholeNumber(1, 31, DAY_OF_MONTH), z.literal("last")], { error: DAY_OF_MONTH }).optional(),
    minute: wholeNumber(0, 59, '"minute" is a whole number from 0 to 59').optional(),
  })
  .superRefine((every, context) => {
    for (const [detail, frequencies] of Object.entries(USED_BY)) {
      if (every[detail as Detail] === undefined || frequencies.includes(every.frequency)) continue;
      const message = `"${detail}" has no meaning for ${every.frequency}: it belongs to ${frequencies.join(", ")}`;
      context.addIssue({ code: "custom", path: [detail], message });
    }
  });

type Detail = "at" | "weekday" | "day" | "minute";

const USED_BY: Readonly<Record<Detail, readonly Frequency[]>> = {
  at: ["daily", "weekly", "monthly"],
  weekday: ["weekly"],
  day: ["monthly"],
  minute: ["hourly"],
};

/**
 * A named frequency. The plain names mean the start of the hour, of the day, of Monday and of day 1 of the month;
 * the object moves that by `minute`, `at` (24 hours, wall time), `weekday` and `day` (a month without it is left out).
 */
export const everySchema = z.union([z.enum(FREQUENCIES), detailsSchema], {
  // For an object, what is wrong inside it says more than that it is none of the forms.
  error: ({ input, errors: [, insideObject = []] }) =>
    typeof input === "object" && input !== null ? insideObject.map(({ message }) => message).join("; ") : FORMS,
});

export type Every = z.infer<typeof everySchema>;

/** The cron expression (five fields) with the same meaning. */
export function everyToCron(every: Every): string {
  const { frequency, at = "00:00", weekday = "monday", day = 1, minute = 0 } = withDetails(every);
  const [hourOfDay, minuteOfHour] = at.split(":").map(Number);
  const time = `${minuteOfHour ?? 0} ${hourOfDay ?? 0}`;
  switch (frequency) {
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${time} * * *`;
    case "weekly":
      return `${time} * * ${WEEKDAYS.indexOf(weekday)}`;
    case "monthly":
      return `${time} ${day === "last" ? "L" : day} * *`;
  }
}

function withDetails(every: Every): z.infer<typeof detailsSchema> {
  return typeof every === "string" ? { frequency: every } : every;
}
