import type { Budget } from './budget.ts';
import { ConfigurationSet } from './configuration-set.ts';
import { EventList, isAnswer } from './event-list.ts';
import type { Model } from './model.ts';

/** An operation of one key in the terms of a model. */
export interface SearchItem<Action> {
  readonly action: Action;
  readonly invokedAt: number;
  /** Infinity: not answered, need not take effect. */
  readonly answeredAt: number;
}

export type SearchVerdict = 'ok' | 'bad' | 'undecided';

/** How an item took effect: picked among alternatives, or observed at once because that rules out nothing. */
interface Taken {
  readonly item: number;
  readonly picked: boolean;
  /** State before it. */
  readonly state: number;
  /** The item whose answer came first among those that had not taken effect. */
  readonly frontier: number;
}

const NONE = -1;

/**
 * Looks for an order of the operations of one key that respects real time and the model.
 *
 * Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), with the memoisation of Lowe,
 * "Testing for Linearizability" (2017), section 3, and his just-in-time rule: at any time the
 * earliest answer that is not explained yet (the frontier) is the one to work for, trying first to
 * let its operation take effect as it stands, then what is open beside it, and what never was
 * answered last. The list of events is Porcupine's; its bit set is kept over the operations open at
 * the frontier instead of over all, which tells the same configurations apart with a word or two.
 */
export class Search<State, Action> {
  readonly #model: Model<State, Action>;
  readonly #items: readonly SearchItem<Action>[];
  readonly #budget: Budget;
  readonly #list: EventList;
  readonly #unanswered: readonly number[];
  /** Of an unanswered item, the one before with an equal action: the two may stand for each other, so they go in order. */
  readonly #twin: Int32Array;
  readonly #slots: Int32Array;
  readonly #open: Int32Array;
  readonly #took: Uint8Array;
  readonly #seen: ConfigurationSet;
  readonly #states: State[] = [];
  readonly #stateNumbers = new Map<string, number>();
  readonly #taken: Taken[] = [];
  #furthest = NONE;
  readonly #statesAtFurthest = new Set<number>();

  /** `items`: in order of invocation. */
  constructor(options: {
    model: Model<State, Action>;
    items: readonly SearchItem<Action>[];
    budget: Budget;
  }) {
    this.#model = options.model;
    this.#items = options.items;
    this.#budget = options.budget;
    const order = entriesInOrder(options.items);
    const answered = order.filter((entry) => options.items[entry >> 1]?.answeredAt !== Infinity);
    this.#list = new EventList(answered, options.items.length);
    this.#unanswered = [...options.items.keys()].filter(
      (item) => options.items[item]?.answeredAt === Infinity,
    );
    this.#twin = twins(options.model, options.items);
    const { slots, count } = slotsOf(order, options.items.length);
    this.#slots = slots;
    this.#open = new Int32Array(Math.ceil(count / 32));
    this.#took = new Uint8Array(options.items.length);
    this.#seen = new ConfigurationSet(this.#open.length);
  }

  /** The item with the earliest answer that no order explains, after a verdict `bad`. */
  get furthest(): number {
    return this.#furthest;
  }

  /** The states that orders of all that was answered before `furthest` can lead to, as far as they differ. */
  get statesAtFurthest(): State[] {
    return [...this.#statesAtFurthest].map((number) => this.#stateOf(number));
  }

  /**
   * `onEnd` is told of every configuration in which all answers are explained, with the unanswered
   * items that have not taken effect; true ends the search (the default).
   */
  run(start: State, onEnd: (state: State, left: number[]) => boolean = () => true): SearchVerdict {
    let state = this.#number(start);
    let frontier = NONE;
    let last = NONE;
    let isNew = true;
    for (;;) {
      if (isNew) {
        this.#observe(state);
        frontier = this.#firstAnswered();
        if (frontier === NONE && onEnd(this.#stateOf(state), this.#left())) return 'ok';
        last = NONE;
      }
      const isOpen = frontier !== NONE && (!isNew || this.#arrive(frontier, state));
      const next = isOpen ? this.#pick(state, frontier, last) : undefined;
      if (this.#budget.spent) return 'undecided';
      if (next !== undefined) {
        this.#take({ item: next.item, picked: true, state, frontier });
        state = next.state;
        isNew = true;
        continue;
      }
      const back = this.#takeBack();
      if (back === undefined) return 'bad';
      ({ state, frontier, item: last } = back);
      isNew = false;
    }
  }

  /** False if the search has been in this configuration before. */
  #arrive(frontier: number, state: number): boolean {
    if (!this.#seen.add(frontier, state, this.#open)) return false;
    const answeredAt = this.#answeredAt(frontier);
    if (this.#furthest === NONE || answeredAt > this.#answeredAt(this.#furthest)) {
      this.#furthest = frontier;
      this.#statesAtFurthest.clear();
    }
    if (frontier === this.#furthest) this.#statesAtFurthest.add(state);
    return true;
  }

  /** Lets everything take effect that only observes this state: no later choice is lost by it. */
  #observe(state: number): void {
    let entry = this.#list.first();
    while (entry !== NONE && !isAnswer(entry)) {
      const item = entry >> 1;
      const { action } = this.#items[item] as SearchItem<Action>;
      entry = this.#list.after(entry);
      if (!this.#model.observes(action) || this.#step(state, item) !== state) continue;
      // Its answer goes with it, and ends the walk no more.
      if (entry === item * 2 + 1) entry = this.#list.after(entry);
      this.#take({ item, picked: false, state, frontier: NONE });
    }
  }

  /** The next item to try in a configuration after `last`, with the state that follows. */
  #pick(state: number, frontier: number, last: number): { item: number; state: number } | undefined {
    if (last === NONE) {
      const next = this.#step(state, frontier);
      if (next !== NONE) return { item: frontier, state: next };
    }
    if (last === NONE || this.#answeredAt(last) !== Infinity) {
      const from = last === NONE || last === frontier ? this.#list.first() : this.#list.after(last * 2);
      for (let entry = from; !isAnswer(entry); entry = this.#list.after(entry)) {
        const item = entry >> 1;
        if (item === frontier) continue;
        const next = this.#step(state, item);
        if (next !== NONE) return { item, state: next };
      }
      last = NONE;
    }
    return this.#pickUnanswered(state, frontier, last);
  }

  #pickUnanswered(
    state: number,
    frontier: number,
    last: number,
  ): { item: number; state: number } | undefined {
    for (const item of this.#unanswered) {
      if (item <= last || this.#took[item] === 1) continue;
      if ((this.#items[item] as SearchItem<Action>).invokedAt > this.#answeredAt(frontier)) break;
      const twin = this.#twin[item] as number;
      if (twin !== NONE && this.#took[twin] === 0) continue;
      const next = this.#step(state, item);
      // Taking effect without a change explains nothing that not taking effect would not.
      if (next !== NONE && next !== state) return { item, state: next };
    }
    return undefined;
  }

  #take(taken: Taken): void {
    this.#flip(taken.item);
    if (this.#answeredAt(taken.item) !== Infinity) this.#list.lift(taken.item);
    this.#taken.push(taken);
  }

  /** Takes back what was observed in this configuration, and the pick that led to it. */
  #takeBack(): Taken | undefined {
    for (;;) {
      const taken = this.#taken.pop();
      if (taken === undefined) return undefined;
      this.#flip(taken.item);
      if (this.#answeredAt(taken.item) !== Infinity) this.#list.putBack(taken.item);
      if (taken.picked) return taken;
    }
  }

  /**
   * A slot is used again by operations that come after one another. All but the last have taken
   * effect when the frontier has passed their answers, so flipping (not setting) its bit keeps
   * configurations of one frontier apart by the operations open there alone.
   */
  #flip(item: number): void {
    const slot = this.#slots[item] as number;
    this.#open[slot >> 5] = (this.#open[slot >> 5] as number) ^ (1 << (slot & 31));
    this.#took[item] = 1 - (this.#took[item] as number);
  }

  #step(state: number, item: number): number {
    this.#budget.step();
    const next = this.#model.step(this.#stateOf(state), (this.#items[item] as SearchItem<Action>).action);
    return next === undefined ? NONE : this.#number(next);
  }

  #number(state: State): number {
    const key = this.#model.stateKey(state);
    let number = this.#stateNumbers.get(key);
    if (number === undefined) {
      number = this.#states.length;
      this.#states.push(state);
      this.#stateNumbers.set(key, number);
    }
    return number;
  }

  #stateOf(number: number): State {
    return this.#states[number] as State;
  }

  #firstAnswered(): number {
    let entry = this.#list.first();
    while (entry !== NONE && !isAnswer(entry)) entry = this.#list.after(entry);
    return entry === NONE ? NONE : entry >> 1;
  }

  #answeredAt(item: number): number {
    return (this.#items[item] as SearchItem<Action>).answeredAt;
  }

  #left(): number[] {
    return this.#unanswered.filter((item) => this.#took[item] === 0);
  }
}

/** Calls (2 × item) and answers (2 × item + 1) in the order they happened; unanswered items have no answer. */
function entriesInOrder(items: readonly SearchItem<unknown>[]): number[] {
  const entries: { entry: number; at: number }[] = [];
  for (const [item, { invokedAt, answeredAt }] of items.entries()) {
    entries.push({ entry: item * 2, at: invokedAt });
    if (answeredAt !== Infinity) entries.push({ entry: item * 2 + 1, at: answeredAt });
  }
  return entries.sort((a, b) => a.at - b.at).map(({ entry }) => entry);
}

/** A small number for each item that no other item open at the same time has. */
function slotsOf(order: readonly number[], items: number): { slots: Int32Array; count: number } {
  const slots = new Int32Array(items);
  const free: number[] = [];
  let count = 0;
  for (const entry of order) {
    if (isAnswer(entry)) free.push(slots[entry >> 1] as number);
    else slots[entry >> 1] = free.pop() ?? count++;
  }
  return { slots, count };
}

function twins<Action>(model: Model<unknown, Action>, items: readonly SearchItem<Action>[]): Int32Array {
  const result = new Int32Array(items.length).fill(NONE);
  const newest = new Map<string, number>();
  for (const [item, { action, answeredAt }] of items.entries()) {
    if (answeredAt !== Infinity) continue;
    const key = model.actionKey(action);
    result[item] = newest.get(key) ?? NONE;
    newest.set(key, item);
  }
  return result;
}
