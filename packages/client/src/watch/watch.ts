import type { Revision } from '@holdfast/types';
import type { Home } from '../home.ts';
import { NOTHING, SourceIterator } from './source-iterator.ts';
import type { HoldfastWatchOptions, WatchChange, WatchProgress } from './watch-options.ts';
import type { SourceItem, WatchSource } from './watch-source.ts';

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
export class Watch<K, V, Event = WatchChange<K, V>> extends SourceIterator<Event> {
  readonly #parts: WatchParts<K, V>;
  #position: Revision | undefined;

  constructor(parts: WatchParts<K, V>) {
    const { home, options, source } = parts;
    super({ home, source, signal: options.signal });
    this.#parts = parts;
    this.#position = options.from as Revision | undefined;
    source
      .then((opened) => opened.begin())
      .then((begin) => {
        this.#position ??= begin;
      })
      // Told by `next`.
      .catch(() => undefined);
  }

  /**
   * Pass it as `from` to go on behind the last event taken, in another process perhaps. Undefined before a node has said
   * where the watch begins, and with `initial` before the state was whole.
   */
  get position(): Revision | undefined {
    return this.#position;
  }

  protected override tell(item: SourceItem): Event | typeof NOTHING {
    return (this.#eventOf(item) as Event | undefined) ?? NOTHING;
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
        if (endsWrite && this.#isWhole) this.#position = revision;
        return event;
      }
    }
  }

  /** Before that some keys are told as they were later than others: there is no position between. */
  get #isWhole(): boolean {
    return this.#parts.options.initial !== true || this.#position !== undefined;
  }

  #keyOf(stored: Uint8Array): K {
    const { home, options, ownKey } = this.#parts;
    return home.decodedKey(ownKey(stored), options.keyEncoding);
  }

  #valueOf(value: Uint8Array): V {
    const { home, options } = this.#parts;
    return home.decodedValue(value, options.valueEncoding);
  }
}
