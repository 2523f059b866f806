// A small bounded memory for things that are costly to make: what was used longest ago is forgotten first.

/** Keeps at most `limit` made values; the rest is made anew when asked for. */
export class RecentCache<Key, Value extends object> {
  // A Map iterates in the order of insertion, so its first key is always the one used longest ago.
  readonly #values = new Map<Key, Value>();

  constructor(private readonly limit: number) {}

  /** The value of this key, made by `make` when it is not in memory. What `make` throws is passed on, not kept. */
  getOrMake(key: Key, make: (key: Key) => Value): Value {
    const value = this.#values.get(key) ?? make(key);
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.limit) this.#forgetOldest();
    return value;
  }

  #forgetOldest(): void {
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }
}
