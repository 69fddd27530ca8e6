import type { Timer } from '@holdfast/types';

/** Pending timers, earliest first; those due at one moment in the order they were added. */
export class TimerHeap {
  readonly #heap: HeapTimer[] = [];
  readonly #count: TimerCount = { pending: 0 };
  #order = 0;

  /** Timers neither taken nor cancelled. */
  get size(): number {
    return this.#count.pending;
  }

  add(dueAt: number, callback: () => void): Timer {
    const timer = new HeapTimer({ dueAt, callback, order: this.#order++, count: this.#count });
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer;
  }

  /** Takes the first timer that is due at `end` or before. */
  takeUntil(end: number): { dueAt: number; callback: () => void } | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.isCancelled && first.dueAt > end) return undefined;
      this.#removeFirst();
      if (first.isCancelled) continue;
      first.cancel();
      return first;
    }
    return undefined;
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown(0);
  }

  #siftUp(start: number): void {
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) return;
      child = parent;
    }
  }

  #siftDown(start: number): void {
    for (let parent = start; ; ) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const child =
        right < this.#heap.length && isEarlier(this.#heap[right]!, this.#heap[left]!) ? right : left;
      if (!this.#swapIfEarlier(child, parent)) return;
      parent = child;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const lower = this.#heap[child]!;
    const upper = this.#heap[parent]!;
    if (!isEarlier(lower, upper)) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }
}

interface TimerCount {
  pending: number;
}

class HeapTimer implements Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  readonly order: number;
  readonly #count: TimerCount;
  #isCancelled = false;

  constructor(parts: {
    readonly dueAt: number;
    readonly callback: () => void;
    readonly order: number;
    readonly count: TimerCount;
  }) {
    this.dueAt = parts.dueAt;
    this.callback = parts.callback;
    this.order = parts.order;
    this.#count = parts.count;
    this.#count.pending += 1;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#count.pending -= 1;
  }
}

function isEarlier(one: HeapTimer, other: HeapTimer): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order);
}
