import { assert } from '@holdfast/types';

/** A thing with a deadline; the links are the wheel's own. */
export interface Timed {
  readonly deadline: number;
  wheelSlot: number;
  wheelNext: Timed | undefined;
  wheelPrevious: Timed | undefined;
}

const SLOTS = 1024;
const NOT_HELD = -1;

/**
 * Deadlines of any number of calls under one coarse timer: a hashed timing wheel (Varghese and Lauck, 1987) of
 * doubly linked lists, so that adding and removing cost the same however many there are, and a call that ends
 * leaves nothing behind.
 */
export class DeadlineWheel<Item extends Timed> {
  readonly #stepMs: number;
  readonly #heads: (Timed | undefined)[] = new Array<Timed | undefined>(SLOTS).fill(undefined);
  #step: number;
  #count = 0;

  constructor(stepMs: number, now: number) {
    this.#stepMs = stepMs;
    this.#step = Math.floor(now / stepMs);
  }

  get size(): number {
    return this.#count;
  }

  add(item: Item): void {
    assert(item.wheelSlot === NOT_HELD, 'already on the wheel');
    // Never in a step that has been swept: such an item would wait for a whole turn of the wheel.
    const step = Math.max(Math.ceil(item.deadline / this.#stepMs), this.#step + 1);
    const slot = step % SLOTS;
    const head = this.#heads[slot];
    item.wheelSlot = slot;
    item.wheelNext = head;
    item.wheelPrevious = undefined;
    if (head !== undefined) head.wheelPrevious = item;
    this.#heads[slot] = item;
    this.#count += 1;
  }

  /** Does nothing for an item that is not held. */
  remove(item: Item): void {
    if (item.wheelSlot === NOT_HELD) return;
    const { wheelNext: next, wheelPrevious: previous } = item;
    if (next !== undefined) next.wheelPrevious = previous;
    if (previous !== undefined) previous.wheelNext = next;
    else this.#heads[item.wheelSlot] = next;
    item.wheelSlot = NOT_HELD;
    item.wheelNext = undefined;
    item.wheelPrevious = undefined;
    this.#count -= 1;
  }

  /** Removes and returns what is due, at most one step late. */
  expire(now: number): Item[] {
    const target = Math.floor(now / this.#stepMs);
    const due: Item[] = [];
    // After a long sleep every slot is swept once, not once per step slept.
    const first = Math.max(this.#step + 1, target - SLOTS + 1);
    for (let step = first; step <= target; step += 1) this.#sweep(step % SLOTS, now, due);
    this.#step = Math.max(this.#step, target);
    for (const item of due) this.remove(item);
    return due;
  }

  #sweep(slot: number, now: number, due: Item[]): void {
    for (let item = this.#heads[slot]; item !== undefined; item = item.wheelNext) {
      if (item.deadline <= now) due.push(item as Item);
    }
  }
}
