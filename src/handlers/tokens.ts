// API tokens: making them, hashing them, comparing them without telling anything by time.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** What a token opens: `bl` the API, `bt` the firing of one trigger. */
type TokenKind = "bl" | "bt";

/** A fresh token: `<kind>_<id>_<secret>` with 256 random bits. */
export function makeToken(kind: TokenKind, id: number): string {
  return `${kind}_${id}_${randomBytes(32).toString("base64url")}`;
}

/** As much of a token as people may see to know it by. */
export function tokenPrefix(token: string): string {
  return /^b[lt]_\d+_.{4}/.exec(token)?.[0] ?? "";
}

/** The id inside a token of this kind, by which its row is found; null if it has not that form. */
export function tokenId(kind: TokenKind, token: string): number | null {
  const match = /^(bl|bt)_([1-9]\d{0,8})_[\w-]{43}$/.exec(token);
  return match?.[1] === kind ? Number(match[2]) : null;
}

/** SHA-256 in hexadecimal. Enough without a slow hash: a token's secret is random, not chosen by a person. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** True if both hashes are equal; takes as long whether they differ early or late. */
export function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"));
}
