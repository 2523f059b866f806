// API tokens: making them, hashing them, comparing them without telling anything by time.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A fresh token: `bl_<id>_<secret>` with 256 random bits. */
export function makeToken(id: number): string {
  return `bl_${id}_${randomBytes(32).toString("base64url")}`;
}

/** The id inside a token, by which its row is found; null if it has not that form. */
export function tokenId(token: string): number | null {
  const match = /^bl_([1-9]\d{0,8})_[\w-]{43}$/.exec(token);
  return match ? Number(match[1]) : null;
}

/** SHA-256 in hexadecimal. Enough without a slow hash: a token's secret is random, not chosen by a person. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** True if both hashes are equal; takes as long whether they differ early or late. */
export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}
