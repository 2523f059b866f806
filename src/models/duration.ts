// Durations and sizes as people write them: `90s`, `30m`, `1h30m`, `512M`.

const UNIT_MS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const SIZE_UNITS = ["", "K", "M", "G", "T"];
const MAX_DURATION_MS = 366 * 86_400_000;

/** Milliseconds of a duration such as `500ms`, `90s`, `30m`, `6h`, `2d` or `1h30m`; null if it is none or over a year. */
export function parseDuration(text: string): number | null {
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MS.get(unit) ?? 0);
  }
  return total > 0 && total <= MAX_DURATION_MS ? total : null;
}

/** Bytes of a size such as `4096`, `64K`, `512M` or `1G` (powers of 1024); null if it is none. */
export function parseSize(text: string): number | null {
  const [whole, amount, unit = ""] = /^(\d{1,12})([KMGT]?)i?B?$/i.exec(text.trim()) ?? [];
  if (whole === undefined) return null;
  const bytes = Number(amount) * 1024 ** SIZE_UNITS.indexOf(unit.toUpperCase());
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : null;
}
