// The Range header, as far as a log needs it (RFC 9110, section 14): one range of bytes.

export interface ByteRange {
  start: number;
  /** Exclusive. */
  end: number;
}

/**
 * The range that a header asks for. Null: send everything, because there is no header, it is not about bytes, or it
 * asks for several ranges, which a server may answer with the whole.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  if (first === "") {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? "unsatisfiable" : { start: size - suffix, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return start < end ? { start, end } : "unsatisfiable";
}
