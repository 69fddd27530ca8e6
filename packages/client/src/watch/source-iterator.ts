import type { HoldfastError } from '@holdfast/types';
import { aborted } from '../aborted.ts';
import type { Home } from '../home.ts';
import type { SourceItem, WatchSource } from './watch-source.ts';

export interface SourceIteratorParts {
  readonly home: Home;
  /** Opens it; pending while the database is. */
  readonly source: Promise<WatchSource>;
  readonly signal: AbortSignal | undefined;
}

/** What is told of an item that is not to be told. */
export const NOTHING: unique symbol = Symbol('nothing');

/** What a watch tells, one after the other, until it is closed or ends: what is told of each item is up to who extends it. */
export abstract class SourceIterator<Told> implements AsyncIterableIterator<Told, undefined> {
  readonly #parts: SourceIteratorParts;
  readonly #onAbort = (): void => this.#abort();
  readonly #closed = Promise.withResolvers<undefined>();
  #isClosed = false;
  /** Once it is there. */
  #opened: WatchSource | undefined;
  /** Why it ended, until that was told. */
  #failure: HoldfastError | undefined;
  /** Calls of `next` in turn. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: SourceIteratorParts) {
    const { home, source, signal } = parts;
    this.#parts = parts;
    // Told by `next`.
    source.catch(() => undefined);
    home.attach(this);
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  protected abstract tell(item: SourceItem): Told | typeof NOTHING;

  /**
   * Rejects once with why the watch ended, if it did not end by `return`, `close` or the end of the database.
   * @throws HOLDFAST_REVISION_COMPACTED: it has fallen behind the log (`detail`: the oldest revision to go on from);
   * HOLDFAST_SESSION_DIVERGED: `from` did not survive; HOLDFAST_PREVIOUS_VALUE_UNKNOWN (`detail`: the revision of the mutation);
   * HOLDFAST_ABORTED: its signal was; LEVEL_DECODE_ERROR; and before it has begun what any call may.
   */
  next(): Promise<IteratorResult<Told, undefined>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends it. Never rejects. */
  async return(): Promise<IteratorResult<Told, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends it. A `next` under way finds the end. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve(undefined);
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

  async #next(): Promise<IteratorResult<Told, undefined>> {
    try {
      while (!this.#isClosed) {
        // Whoever closes it while the database opens does not want to wait for that.
        this.#opened ??= await Promise.race([this.#parts.source, this.#closed.promise]);
        const item = await this.#opened?.next();
        if (item === undefined) break;
        const told = this.tell(item);
        if (told !== NOTHING) return { done: false, value: told };
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
    this.#failure = aborted('the watch was aborted', this.#parts.signal);
    void this.close();
  }
}
