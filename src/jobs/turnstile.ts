// A turnstile: lets one caller through at a time, however many come at once.

/** Whoever comes while somebody is inside makes that one go round once more, so that no call is in vain. */
export class Turnstile {
  private turning: Promise<void> | null = null;
  private asked = false;
  private closed = false;

  constructor(private readonly act: () => Promise<void>) {}

  pass(): Promise<void> {
    this.asked = true;
    this.turning ??= this.turn().finally(() => (this.turning = null));
    return this.turning;
  }

  /** Waits for who is inside. */
  async close(): Promise<void> {
    this.closed = true;
    await this.turning?.catch(() => undefined);
  }

  private async turn(): Promise<void> {
    while (this.asked && !this.closed) {
      this.asked = false;
      await this.act();
    }
  }
}
