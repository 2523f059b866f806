// A bell: wakes the one who waits for it.

/** Remembers a ring until somebody waits for it, so that what changes while its owner is busy is not lost. */
export class Bell {
  private rang = false;
  private wake: (() => void) | null = null;

  /** It is time to look again. */
  readonly ring = (): void => {
    this.rang = true;
    this.wake?.();
  };

  /** Waits for a ring, at most so long. False: none came. */
  async rung(withinMs?: number): Promise<boolean> {
    if (!this.rang) {
      await new Promise<void>((resolve) => {
        const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = null;
    }
    const rang = this.rang;
    this.rang = false;
    return rang;
  }
}
