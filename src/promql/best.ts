/** The best few of many values. */

import { sortedByValue } from "./functions/sort.ts";

/**
 * Keeps the indices of the `count` best values that it was offered, in a heap with the worst on top.
 * It moves as Go's heap does, so that of equal values the same ones remain as in Prometheus.
 *
 * @see https://pkg.go.dev/container/heap
 */
export class Best {
  private readonly heap: number[] = [];

  /** @param isTop whether large values are better; NaN is worse than any number */
  constructor(
    private readonly values: readonly number[],
    private readonly count: number,
    private readonly isTop: boolean,
  ) {}

  offer(index: number): void {
    const { heap } = this;
    if (heap.length < this.count) {
      heap.push(index);
      this.moveUp(heap.length - 1);
      return;
    }
    const worst = heap[0] ?? index;
    if (this.isWorse(worst, index) && !Number.isNaN(this.values[index])) {
      heap[0] = index;
      this.moveDown();
    }
  }

  /** Best first; NaN last, the latest of it first. */
  inOrder(): number[] {
    return sortedByValue(
      this.heap.map((index) => this.values[index] ?? Number.NaN),
      this.isTop ? "descending" : "ascending",
    ).map((position) => this.heap[position] ?? 0);
  }

  private isWorse(a: number, b: number): boolean {
    const [first = Number.NaN, second = Number.NaN] = [this.values[a], this.values[b]];
    // As in Prometheus, NaN is worse than NaN, too.
    return Number.isNaN(first) || (this.isTop ? first < second : first > second);
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b] ?? 0, heap[a] ?? 0];
  }

  private moveUp(from: number): void {
    const { heap } = this;
    for (let child = from; child > 0;) {
      const parent = (child - 1) >>> 1;
      if (!this.isWorse(heap[child] ?? 0, heap[parent] ?? 0)) return;
      this.swap(parent, child);
      child = parent;
    }
  }

  private moveDown(): void {
    const { heap } = this;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      if (left >= heap.length) return;
      const worse =
        right < heap.length && this.isWorse(heap[right] ?? 0, heap[left] ?? 0) ? right : left;
      if (!this.isWorse(heap[worse] ?? 0, heap[parent] ?? 0)) return;
      this.swap(parent, worse);
      parent = worse;
    }
  }
}
