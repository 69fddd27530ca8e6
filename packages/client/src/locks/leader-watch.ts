import { HoldfastError } from '@holdfast/types';
import type { Home } from '../home.ts';
import type { WatchSource } from '../watch/watch-source.ts';
import type { Leader } from './election.ts';

export interface LeaderWatchParts<V> {
  readonly home: Home;
  /** Of the key of the office, its state first; pending while the database opens. */
  readonly source: Promise<WatchSource>;
  readonly signal: AbortSignal | undefined;
  leaderOf(value: Uint8Array): Leader<V> | undefined;
}

type Told<V> = IteratorResult<Leader<V> | undefined, undefined>;

/** Who is elected, and each change of it: an async iterator. Renewals of one in office are no change. */
export class LeaderWatch<V> implements AsyncIterableIterator<Leader<V> | undefined, undefined> {
  readonly #parts: LeaderWatchParts<V>;
  readonly #onAbort = (): void => this.#abort();
  /** The last that was told; null: none was yet. */
  #told: Leader<V> | undefined | null = null;
  /** As far as the state has been read. */
  #found: Leader<V> | undefined;
  #isClosed = false;
  #failure: HoldfastError | undefined;
  /** Calls of `next` in turn. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: LeaderWatchParts<V>) {
    const { home, source, signal } = parts;
    this.#parts = parts;
    // Told by `next`.
    source.catch(() => undefined);
    home.attach(this);
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  next(): Promise<Told<V>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<Told<V>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends it. A `next` under way finds the end. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { home, source, signal } = this.#parts;
    home.detach(this);
    signal?.removeEventListener('abort', this.#onAbort);
    source.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(): Promise<Told<V>> {
    try {
      while (!this.#isClosed) {
        const item = await (await this.#parts.source).next();
        if (item === undefined) break;
        if (item.kind === 'mark' && !item.endsState) continue;
        if (item.kind === 'state') {
          this.#found = this.#parts.leaderOf(item.value);
          continue;
        }
        if (item.kind !== 'mark') this.#found = item.value && this.#parts.leaderOf(item.value);
        if (this.#told !== null && this.#told?.id === this.#found?.id) continue;
        this.#told = this.#found;
        return { done: false, value: this.#found };
      }
    } catch (error) {
      if (!this.#isClosed) {
        await this.close();
        throw error;
      }
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return { done: true, value: undefined };
  }

  #abort(): void {
    this.#failure = new HoldfastError('HOLDFAST_ABORTED', 'the watch was aborted', {
      outcome: 'not-applied',
      cause: this.#parts.signal?.reason,
    });
    void this.close();
  }
}
