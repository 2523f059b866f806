// Alerts: what a config may say of them, and which statuses people are told of.
import { describe, expect, it } from "vitest";
import { ALERT_OCCASIONS, alertsSchema, isTold, occasionOf } from "../../src/models/alert.js";
import { parseBatchConfig } from "../../src/models/batch-config.js";
import { EXECUTION_STATUSES, FINAL_STATUSES } from "../../src/models/status.js";

const pointersOf = (alerts: unknown) => {
  const parsed = parseBatchConfig({ name: "batch", alerts }, "", 0);
  return parsed.ok ? [] : parsed.faults.map(({ pointer }) => pointer);
};

describe("a config's alerts", () => {
  it("may be left out, be empty, or say all", () => {
    expect(parseBatchConfig({ name: "batch" }, "", 0)).toMatchObject({ ok: true, config: { name: "batch" } });
    expect(alertsSchema.parse({})).toEqual({ attachLog: false });
    const whole = { emails: ["a.b+c@sub.example.org"], on: [...ALERT_OCCASIONS], attachLog: true };
    expect(alertsSchema.parse(whole)).toEqual(whole);
  });

  it("are refused by pointer where they say anything else", () => {
    expect(pointersOf({ mails: [] })).toEqual(["/alerts/mails"]);
    expect(pointersOf({ webhooks: ["https://example.org"] })).toEqual(["/alerts/webhooks"]);
    expect(pointersOf({ on: ["completed", "finished"] })).toEqual(["/alerts/on/1"]);
    expect(pointersOf({ attachLog: "yes" })).toEqual(["/alerts/attachLog"]);
    expect(pointersOf({ emails: "a@example.org" })).toEqual(["/alerts/emails"]);
    expect(pointersOf({ emails: Array.from({ length: 51 }, (_, i) => `a${i}@example.org`) })).toEqual([
      "/alerts/emails",
    ]);
    expect(pointersOf("all")).toEqual(["/alerts"]);
  });
});

describe("an occasion", () => {
  it("is given by the first start and by every final status", () => {
    const given = EXECUTION_STATUSES.map((status) => occasionOf({ status, attempt: 1, startedAt: 1 }));
    expect(given).toEqual([null, null, "started", null, ...FINAL_STATUSES]);
    expect(occasionOf({ status: "running", attempt: 2, startedAt: 1 })).toBeNull();
  });

  it("is told by default when a run has ended, and when one is aborted", () => {
    const told = (startedAt: number | null) =>
      ALERT_OCCASIONS.filter((occasion) => isTold(undefined, occasion, { startedAt }));
    expect(told(1)).toEqual(ALERT_OCCASIONS.filter((occasion) => occasion !== "started"));
    expect(told(null)).toEqual(["aborted"]);
  });
});
