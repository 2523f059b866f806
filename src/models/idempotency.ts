// Repeatable answers: what is kept of an answer under the key of its request.

/** An answer as it was given: status, headers, and the JSON of its body. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  json: unknown;
}

/** So long a key is remembered, in milliseconds. */
export const KEY_LIFETIME_MS = 24 * 3_600_000;
