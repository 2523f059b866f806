// A binary heap: the earliest of many instants at hand, however many there are.

export class Heap<T extends { at: number }> {
  private items: T[] = [];

  /** The earliest item; undefined if there is none. */
  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    let index = this.items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.at(parent) <= item.at) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  /** Takes the earliest item out. */
  pop(): T | undefined {
    const first = this.items[0];
    const last = this.items.pop();
    if (first === undefined || last === undefined || this.items.length === 0) return first;
    this.items[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = this.at(left + 1) < this.at(left) ? left + 1 : left;
      if (this.at(child) >= last.at) return first;
      this.swap(index, child);
      index = child;
    }
  }

  private at(index: number): number {
    return this.items[index]?.at ?? Infinity;
  }

  private swap(a: number, b: number): void {
    const [first, second] = [this.items[a], this.items[b]];
    if (first === undefined || second === undefined) return;
    this.items[a] = second;
    this.items[b] = first;
  }
}
