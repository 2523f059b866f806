// How much of everything is measured: BENCH_SCALE=0.01 makes a quick trial of what otherwise takes minutes.

const SCALE = Number(process.env["BENCH_SCALE"] ?? "1");
if (!(SCALE > 0)) throw new Error("BENCH_SCALE must be a number above 0.");

/** So many things as `count` are at this scale, at least one. */
export const scaled = (count: number): number => Math.max(1, Math.round(count * SCALE));

/** As people read it: 100,000. */
export const counted = (count: number): string => count.toLocaleString("en");
