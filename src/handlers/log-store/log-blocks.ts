// Reads one log in blocks of equal length through two buffers, the next block while the one before it is looked at.
import type { FileHandle } from "node:fs/promises";
import { AppError } from "../../errors.js";
import { askerGone } from "../turns.js";

interface Slot {
  /** Which block it holds, or will hold. */
  number: number;
  buffer: Buffer | null;
  bytes: Promise<Buffer>;
}

/** The log as it was when opened, however it grows; the last block may be shorter than the others. */
export class LogBlocks {
  readonly count: number;
  readonly #slots: [Slot, Slot] = [emptySlot(), emptySlot()];

  /**
   * @param handle null if there is no file, and no byte to be read
   * @param signal aborted when nobody waits for what is read: every further call then rejects
   */
  constructor(
    private readonly handle: FileHandle | null,
    readonly size: number,
    readonly blockBytes: number,
    private readonly signal: AbortSignal,
  ) {
    this.count = Math.ceil(size / blockBytes);
  }

  /** A block, from 0. Its bytes stay what they are until the next call. @param ahead true: the one after it is read too */
  async at(number: number, ahead = false): Promise<Buffer> {
    if (this.signal.aborted) throw askerGone();
    // The slot that was used last comes first, so that two neighbours can be looked at in turns.
    if (this.#slots[1].number === number) this.#slots.reverse();
    const [slot, other] = this.#slots;
    if (slot.number !== number) {
      this.#slots.reverse();
      this.#fill(other, number);
      if (ahead) this.#readAhead(slot, number + 1);
      return other.bytes;
    }
    if (ahead) this.#readAhead(other, number + 1);
    return slot.bytes;
  }

  #readAhead(slot: Slot, number: number): void {
    if (number < this.count && slot.number !== number) this.#fill(slot, number);
  }

  #fill(slot: Slot, number: number): void {
    slot.number = number;
    // Whatever still goes into this buffer must have come before.
    slot.bytes = slot.bytes.then(
      () => this.#read(slot, number),
      () => this.#read(slot, number),
    );
    // A block that was read ahead and is never asked for must not bring the service down.
    slot.bytes.catch(() => {});
  }

  async #read(slot: Slot, number: number): Promise<Buffer> {
    const start = number * this.blockBytes;
    const length = Math.min(this.blockBytes, this.size - start);
    // Small logs are the rule: a buffer is as large as the log if that is less than a block.
    slot.buffer ??= Buffer.allocUnsafeSlow(Math.min(this.blockBytes, this.size));
    for (let filled = 0; filled < length;) {
      const read = await this.handle?.read(slot.buffer, filled, length - filled, start + filled);
      if (!read?.bytesRead) throw new AppError("internal", "The log became shorter while it was read.");
      filled += read.bytesRead;
    }
    return slot.buffer.subarray(0, length);
  }
}

function emptySlot(): Slot {
  return { number: -1, buffer: null, bytes: Promise.resolve(Buffer.alloc(0)) };
}
