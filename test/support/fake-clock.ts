// A clock that stands still until a test moves it.
import type { Clock } from "../../src/handlers/clock.js";

export class FakeClock implements Clock {
  private readonly listeners = new Set<() => void>();
  private instant: number;

  constructor(start: string | number = "2026-12-01T12:00:00Z") {
    this.instant = new Date(start).getTime();
  }

  now(): number {
    return this.instant;
  }

  onSet(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  advance({ days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0 }): void {
    this.set(this.instant + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + ms);
  }

  set(instant: string | number): void {
    this.instant = new Date(instant).getTime();
    for (const listener of this.listeners) listener();
  }
}
