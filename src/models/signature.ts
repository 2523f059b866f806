// The header with which a firing is signed: `t=<seconds since 1970>,v1=<hex>`, the second part once or more.

export interface Signature {
  /** Seconds since 1970. */
  at: number;
  /** HMAC-SHA256 each, 64 hexadecimal digits. */
  hashes: string[];
}

/** More than one helps only while secrets change. */
const MAX_HASHES = 4;

/** Reads the header; null if it has another form. */
export function parseSignature(header: string): Signature | null {
  const [time, ...others] = header.split(",");
  const at = /^t=(\d{1,12})$/.exec(time ?? "")?.[1];
  const hashes = others.map((part) => /^v1=([0-9a-f]{64})$/.exec(part)?.[1]);
  if (at === undefined || hashes.length === 0 || hashes.length > MAX_HASHES) return null;
  return hashes.every((hash) => hash !== undefined) ? { at: Number(at), hashes } : null;
}
