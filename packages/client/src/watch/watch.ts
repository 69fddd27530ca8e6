import { HoldfastError, type Revision } from '@holdfast/types';
import type { Home } from '../home.ts';
import type { HoldfastWatchOptions, WatchChange, WatchProgress } from './watch-options.ts';
import type { SourceItem, WatchSource } from './watch-source.ts';

/** An event, or the end. */
type Result<Event> = IteratorResult<Event, undefined>;

export interface WatchParts<K, V> {
  readonly home: Home;
  readonly options: HoldfastWatchOptions<K, V>;
  /** Opens it; pending while the database is. */
  readonly source: Promise<WatchSource>;
  /** The caller's key of a stored one, with the prefix of its sublevel. */
  ownKey(stored: Uint8Array): Uint8Array;
}

/**
 * What is committed in a range, in log order, each mutation once, until it is closed: an async iterator. It is open
 * from when it was made. What is not taken waits, a little here and the rest on the nodes.
 */
export class Watch<K, V, Event = WatchChange<K, V>> implements AsyncIterableIterator<Event, undefined> {
  readonly #parts: WatchParts<K, V>;
  readonly #onAbort = (): void => this.#abort();
  #position: Revision | undefined;
  #isClosed = false;
  /** Why it ended, until that was told. */
  #failure: HoldfastError | undefined;
  /** Calls of `next` in turn. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: WatchParts<K, V>) {
    const { home, options, source } = parts;
    this.#parts = parts;
    this.#position = options.from as Revision | undefined;
    source
      .then((opened) => opened.begin())
      .then((begin) => {
        this.#position ??= begin;
      })
      // Told by `next`.
      .catch(() => undefined);
    home.attach(this);
    if (options.signal?.aborted === true) this.#abort();
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Pass it as `from` to go on behind the last event taken, in another process perhaps. Undefined before a node has said
   * where the watch begins, and with `initial` before the state was whole.
   */
  get position(): Revision | undefined {
    return this.#position;
  }

  /** Rejects once with why the watch ended, if it did not end by `return`, `close` or the end of the database. */
  next(): Promise<Result<Event>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<Result<Event>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends it. A `next` under way finds the end. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { home, options, source } = this.#parts;
    home.detach(this);
    options.signal?.removeEventListener('abort', this.#onAbort);
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

  async #next(): Promise<Result<Event>> {
    try {
      while (!this.#isClosed) {
        const source = await this.#parts.source;
        const item = await source.next();
        if (item === undefined) break;
        const event = this.#eventOf(item);
        if (event !== undefined) return { done: false, value: event as Event };
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

  /** Undefined for what was not asked for. */
  #eventOf(item: SourceItem): WatchChange<K, V> | WatchProgress | undefined {
    const { progress, initial } = this.#parts.options;
    switch (item.kind) {
      case 'state':
        return {
          type: 'put',
          key: this.#keyOf(item.key),
          value: this.#valueOf(item.value),
          endsWrite: true,
          initial: true,
        };
      case 'mark': {
        this.#position = item.revision;
        const isWanted = progress === true || (initial === true && item.endsState);
        return isWanted ? { type: 'progress', revision: item.revision } : undefined;
      }
      case 'put':
      case 'del': {
        const { kind, revision, term, endsWrite, previous } = item;
        const told = {
          key: this.#keyOf(item.key),
          ...(previous === undefined || previous === null ? {} : { previousValue: this.#valueOf(previous) }),
          revision,
          term,
          endsWrite,
          initial: false,
        } as const;
        const event: WatchChange<K, V> =
          kind === 'put'
            ? { type: kind, ...told, value: this.#valueOf(item.value!) }
            : { type: kind, ...told };
        if (endsWrite) this.#position = revision;
        return event;
      }
    }
  }

  #keyOf(stored: Uint8Array): K {
    const { home, options, ownKey } = this.#parts;
    return home.decodedKey(ownKey(stored), options.keyEncoding);
  }

  #valueOf(value: Uint8Array): V {
    const { home, options } = this.#parts;
    return home.decodedValue(value, options.valueEncoding);
  }

  #abort(): void {
    this.#failure = new HoldfastError('HOLDFAST_ABORTED', 'the watch was aborted', {
      outcome: 'not-applied',
      cause: this.#parts.options.signal?.reason,
    });
    void this.close();
  }
}
