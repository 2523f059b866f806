// The grammar of cron expressions: every complaint by name and place, the exotic forms that are fine, and the bounds.
import { describe, expect, it } from "vitest";
import { cronPattern, explainCron } from "../../src/models/cron-expression.js";
import { ScheduleError } from "../../src/models/schedule-error.js";

/** The first `count` matching wall times from the start of 2026, as "MM-DD hh:mm" or, with `:ss`, to the second. */
function wallTimes(expression: string, count: number, from = "2026-01-01T00:00:00Z"): string[] {
  const pattern = cronPattern(expression);
  const times: string[] = [];
  let wall = pattern.nextWallTime(Date.parse(from));
  while (wall !== null && times.length < count) {
    times.push(new Date(wall).toISOString().slice(5, 19).replace("T", " ").replace(/:00$/, ""));
    wall = pattern.nextWallTime(wall + 1);
  }
  return times;
}

/** Processor time, not the clock: other work on the machine must not fail a test. */
function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

describe("explainCron complains", () => {
  it.each([
    ["", /is empty/],
    ["  ", /is empty/],
    ["*", /5 fields .* or 6 .* has 1\./],
    ["* * *", /has 3\./],
    ["* * * *", /has 4\./],
    ["* * * * * * *", /has 7\./],
    ["0 0 1 1 * 2027 *", /has 7\./],
    ["@reboot", /macro "@reboot" is not known; there are @yearly/],
    ["@every 5m", /macro "@every 5m" is not known/],
    ["@constructor", /macro "@constructor" is not known/],
    ["0 0 * *\n*", /U\+000A in field 4 \(character 8\)/],
    ["0 0 * * *\n", /U\+000A in field 5 \(character 10\)/],
    ["0 0 *\u00a0* *", /U\+00A0 in field 3 \(character 6\)/],
    ["0 0 * * *\u202e", /U\+202E in field 5/],
    ["60 * * * *", /^The minute \(field 1, character 1\) is wrong: 60 is not between 0 and 59\.$/],
    ["60 * * * * *", /^The second \(field 1, character 1\)/],
    ["0 60 * * * *", /^The minute \(field 2, character 3\)/],
    ["0 24 * * *", /^The hour \(field 2, character 3\) is wrong: 24 is not between 0 and 23/],
    ["0 0 0 * *", /^The day of month \(field 3, character 5\) is wrong: 0 is not between 1 and 31/],
    ["0 0 1,2,32 * *", /^The day of month \(field 3, character 9\) is wrong: 32/],
    ["0 0 * 13 *", /^The month \(field 4, character 7\) is wrong: 13/],
    ["0 0 * * 8", /^The day of week \(field 5, character 9\) is wrong: 8/],
    ["*/0 * * * *", /^The minute .* the step "\/0" is not a number from 1 to 60/],
    ["*/61 * * * *", /^The minute .* "\/61"/],
    ["0 */25 * * *", /^The hour .* "\/25" is not a number from 1 to 24/],
    ["0-59/-1 * * * *", /^The minute .* "\/-1"/],
    ["*/ * * * *", /^The minute .* the step "\/"/],
    ["/5 * * * *", /^The minute/],
    ["1/2/3 * * * *", /^The minute .* more than one "\/"/],
    ["1-2-3 * * * *", /^The minute .* "1-2-3" is not a value, a range \(1-5\) or a step/],
    ["L * * * *", /^The minute .* "L" is not a number from 0 to 59/],
    ["H * * * *", /^The minute .* "H" is not a number/],
    ["H/15 * * * *", /^The minute .* "H\/15" is not a number/],
    ["٥ * * * *", /^The minute .* "٥" is not a number/],
    ["0 ５ * * *", /^The hour .* "５" is not a number/],
    ["-5 * * * *", /^The minute .* "-5"/],
    ["1.5 * * * *", /^The minute .* "1.5"/],
    ["0x5 * * * *", /^The minute .* "0x5"/],
    ["1e1 * * * *", /^The minute .* "1e1"/],
    ["** * * * *", /^The minute .* "\*\*"/],
    ["*5 * * * *", /^The minute .* "\*5"/],
    ["5,, * * * *", /^The minute \(field 1, character 3\) .* a value is missing beside a comma/],
    [",5 * * * *", /^The minute .* a value is missing/],
    ["*,5 * * * *", /^The minute .* "\*" has to stand alone/],
    ["5,? * * * *", /^The minute \(field 1, character 3\) .* "\?" has to stand alone/],
    ["5,*/1 * * * *", /^The minute .* "\*\/1" has to stand alone/],
    ["0 22-2 * * *", /^The hour .* 22-2 runs backwards; .* write 22-23,0-2\.$/],
    ["0 0 * feb-jan *", /^The month .* write 2-12,1\.$/],
    ["0 0 * * fri-mon", /^The day of week .* runs backwards/],
    ["0 0 * * monday", /^The day of week .* "monday" is not a number from 0 to 7 or a name such as "mon"/],
    ["0 0 * * mo", /^The day of week .* "mo"/],
    ["0 0 * january *", /^The month .* "january" is not a number from 1 to 12 or a name such as "feb"/],
    ["0 0 * mon *", /^The month .* "mon"/],
    ["mon 0 * * *", /^The minute .* "mon"/],
    ["0 0 L-3 * *", /^The day of month .* "L-3"/],
    ["0 0 LW,3 * *", /^The day of month .* "LW" has to stand alone/],
    ["0 0 32W * *", /^The day of month .* 32 is not between 1 and 31/],
    ["0 0 1-5W * *", /^The day of month .* "1-5W"/],
    ["0 0 5L * *", /^The day of month .* "5L"/],
    ["0 0 * * L", /^The day of week .* "L"/],
    ["0 0 * * 9L", /^The day of week .* 9 is not between 0 and 7/],
    ["0 0 * * 1-5L", /^The day of week .* "1-5L"/],
    ["0 0 * * 5#0", /^The day of week .* after "#" comes a number from 1 to 5/],
    ["0 0 * * 5#6", /^The day of week .* after "#"/],
    ["0 0 * * 5#", /^The day of week .* after "#"/],
    ["0 0 * * *#2", /^The day of week .* "\*#2"/],
    ["0 0 * * +1", /^The day of week .* "\+1"/],
    ["0 0 30 2 *", /^This expression never fires: no month of field 4 \("2"\) has a day of field 3 \("30"\)\.$/],
    ["0 0 0 30 2 *", /never fires: no month of field 5 .* field 4/],
    ["0 0 31 4,6,9,11 *", /never fires/],
    ["0 0 31 4-9/5 ?", /never fires/],
    ["0 0 30,31 feb */1", /never fires/],
    ["0 0 30W 2 *", /never fires/],
    ["*,".repeat(60) + "* * * * *", /129 characters long; at most 120/],
  ])("%j", (expression, complaint) => expect(explainCron(expression)).toMatch(complaint));

  it("without reading an overlong expression, however long it is", () => {
    const complaint = explainCron("*,".repeat(20_000));
    expect(complaint).toMatch(/at most 120/);
    expect(complaint?.length).toBeLessThan(200);
  });

  it("about dates that never come without searching for them", () => {
    const started = process.cpuUsage();
    for (let minute = 0; minute < 60; minute++) expect(explainCron(`${minute} 0 30 2 *`)).toMatch(/never fires/);
    // Searching the calendar costs more than 100 ms each.
    expect(cpuMsSince(started)).toBeLessThan(1000);
  });

  it("the same way when a pattern is asked for", () => {
    expect(() => cronPattern("60 * * * *")).toThrow(ScheduleError);
    expect(() => cronPattern("60 * * * *")).toThrow(/^The minute/);
  });
});

describe("a valid expression", () => {
  it.each([
    ["*/20 * * * *", ["01-01 00:00", "01-01 00:20", "01-01 00:40", "01-01 01:00"]],
    ["5/20 * * * *", ["01-01 00:05", "01-01 00:25", "01-01 00:45", "01-01 01:05"]],
    ["*/60 */24 * * *", ["01-01 00:00", "01-02 00:00"]],
    ["*/45 0 * * *", ["01-01 00:00", "01-01 00:45", "01-02 00:00"]],
    ["0 8-10/2,22 * * *", ["01-01 08:00", "01-01 10:00", "01-01 22:00", "01-02 08:00"]],
    ["5-10/30 0 * * *", ["01-01 00:05", "01-02 00:05"]],
    ["00 05 * * *", ["01-01 05:00", "01-02 05:00"]],
    [" 0  5 *\t* * ", ["01-01 05:00", "01-02 05:00"]],
    ["0 0 5 * * *", ["01-01 05:00", "01-02 05:00"]],
    ["*/30 0 5 * * *", ["01-01 05:00", "01-01 05:00:30", "01-02 05:00"]],
    ["30 59 23 31 12 *", ["12-31 23:59:30"]],
    ["0 0 ? * ?", ["01-01 00:00", "01-02 00:00"]],
    ["0 ? * * *", ["01-01 00:00", "01-01 01:00"]],
    ["@hourly", ["01-01 00:00", "01-01 01:00"]],
    ["@Daily", ["01-01 00:00", "01-02 00:00"]],
    [" @midnight ", ["01-01 00:00", "01-02 00:00"]],
    ["@weekly", ["01-04 00:00", "01-11 00:00"]],
    ["@monthly", ["01-01 00:00", "02-01 00:00"]],
    ["@yearly", ["01-01 00:00", "01-01 00:00"]],
    ["@annually", ["01-01 00:00", "01-01 00:00"]],
    ["0 0 * * mon,WED", ["01-05 00:00", "01-07 00:00", "01-12 00:00"]],
    ["0 0 1 jan,Jul-SEP *", ["01-01 00:00", "07-01 00:00", "08-01 00:00", "09-01 00:00", "01-01 00:00"]],
    ["0 0 * * 7", ["01-04 00:00", "01-11 00:00"]],
    ["0 0 * * 5-7", ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-09 00:00"]],
    ["0 0 * * fri-sun", ["01-02 00:00", "01-03 00:00", "01-04 00:00", "01-09 00:00"]],
    ["0 0 * * sun-mon", ["01-04 00:00", "01-05 00:00", "01-11 00:00"]],
    ["0 0 * * 7-1", ["01-04 00:00", "01-05 00:00", "01-11 00:00"]],
    ["0 0 * * sun-sun", ["01-04 00:00", "01-11 00:00"]],
    ["0 0 * * 4/2", ["01-01 00:00", "01-03 00:00", "01-08 00:00"]],
    ["0 0 L * *", ["01-31 00:00", "02-28 00:00", "03-31 00:00"]],
    ["0 0 15,l * *", ["01-15 00:00", "01-31 00:00", "02-15 00:00", "02-28 00:00"]],
    ["0 0 * * 5L", ["01-30 00:00", "02-27 00:00", "03-27 00:00"]],
    ["0 0 * * friL", ["01-30 00:00", "02-27 00:00", "03-27 00:00"]],
    ["0 0 * * 7l", ["01-25 00:00", "02-22 00:00"]],
    ["0 0 * * 5#2", ["01-09 00:00", "02-13 00:00", "03-13 00:00"]],
    ["0 0 * * mon#5,5L", ["01-30 00:00", "02-27 00:00", "03-27 00:00", "03-30 00:00"]],
    ["0 0 * * 7#1", ["01-04 00:00", "02-01 00:00"]],
    ["0 0 17W * *", ["01-16 00:00", "02-17 00:00", "03-17 00:00"]],
    ["0 0 1W * *", ["01-01 00:00", "02-02 00:00", "03-02 00:00"]],
    ["0 0 LW * *", ["01-30 00:00", "02-27 00:00", "03-31 00:00"]],
    ["0 0 13 * 5", ["01-02 00:00", "01-09 00:00", "01-13 00:00", "01-16 00:00"]],
    ["0 0 13 * */1", ["01-13 00:00", "02-13 00:00"]],
    ["0 0 30 2 1", ["02-02 00:00", "02-09 00:00"]],
    ["0 0 31 */2 *", ["01-31 00:00", "03-31 00:00", "05-31 00:00"]],
  ])("%j means what it says", (expression, expected) => {
    expect(explainCron(expression)).toBeNull();
    expect(wallTimes(expression, expected.length)).toEqual(expected);
  });

  it("may be as rare as a fifth Monday in February", () => {
    expect(wallTimes("0 0 29 2 *", 1, "2096-03-01T00:00:00Z")).toEqual(["02-29 00:00"]);
    expect(cronPattern("0 0 * 2 1#5").nextWallTime(Date.UTC(2026, 0, 1))).toBe(Date.UTC(2044, 1, 29));
  });

  it("includes the moment it is asked from, and rounds up within a second", () => {
    const pattern = cronPattern("* * * * * *");
    expect(pattern.nextWallTime(5000)).toBe(5000);
    expect(pattern.nextWallTime(5001)).toBe(6000);
    expect(pattern.nextWallTime(5999)).toBe(6000);
  });

  it.each([
    ["30 2 * * *", true],
    ["30 1,5 * * *", true],
    ["0-30/10 2-4 * * 1", true],
    ["15 30 2 * * *", true],
    ["@daily", true],
    ["@hourly", false],
    ["0 * * * *", false],
    ["*/30 1-3 * * *", false],
    ["0 */6 * * *", false],
    ["? 2 * * *", false],
    ["* 30 2 * * *", false],
  ])("%j is fixed: %s", (expression, fixed) => expect(cronPattern(expression).fixed).toBe(fixed));
});

describe("parsed patterns", () => {
  it("are shared while they are in use and forgotten when many others came", () => {
    const first = cronPattern("1 1 1 1 *");
    expect(cronPattern("1 1 1 1 *")).toBe(first);
    for (let i = 0; i < 1440; i++) cronPattern(`${i % 60} ${Math.floor(i / 60)} * * *`);
    expect(cronPattern("1 1 1 1 *")).not.toBe(first);
  });
});
