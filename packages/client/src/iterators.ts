import { HoldfastError } from '@holdfast/types';
import {
  AbstractIterator,
  type AbstractIteratorOptions,
  AbstractKeyIterator,
  type AbstractKeyIteratorOptions,
  AbstractValueIterator,
  type AbstractValueIteratorOptions,
} from 'abstract-level';
import { asBuffer } from './bytes.ts';
import { LevelError } from './level-error.ts';
import type { RangeCursor } from './range-cursor.ts';

/** Entries of a range; abstract-level's side of a cursor. */
export class HoldfastIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #cursor: RangeCursor;
  readonly #signal: AbortSignal | undefined;

  constructor(db: TDatabase, options: AbstractIteratorOptions<K, V>, cursor: RangeCursor) {
    super(db, options);
    this.#cursor = cursor;
    this.#signal = options.signal;
  }

  async _next(): Promise<[Buffer, Buffer] | undefined> {
    return (await this._nextv(1))[0];
  }

  async _nextv(size: number): Promise<[Buffer, Buffer][]> {
    const entries = await take(this.#cursor, size, this.#signal);
    return entries.map(([key, value]) => [this.#cursor.own(key), asBuffer(value)]);
  }

  _seek(target: Uint8Array): void {
    this.#cursor.seek(target);
  }

  async _close(): Promise<void> {
    this.#cursor.close();
  }
}

export class HoldfastKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #cursor: RangeCursor;
  readonly #signal: AbortSignal | undefined;

  constructor(db: TDatabase, options: AbstractKeyIteratorOptions<K>, cursor: RangeCursor) {
    super(db, options);
    this.#cursor = cursor;
    this.#signal = options.signal;
  }

  async _next(): Promise<Buffer | undefined> {
    return (await this._nextv(1))[0];
  }

  async _nextv(size: number): Promise<Buffer[]> {
    const entries = await take(this.#cursor, size, this.#signal);
    return entries.map(([key]) => this.#cursor.own(key));
  }

  _seek(target: Uint8Array): void {
    this.#cursor.seek(target);
  }

  async _close(): Promise<void> {
    this.#cursor.close();
  }
}

export class HoldfastValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #cursor: RangeCursor;
  readonly #signal: AbortSignal | undefined;

  constructor(db: TDatabase, options: AbstractValueIteratorOptions<K, V>, cursor: RangeCursor) {
    super(db, options);
    this.#cursor = cursor;
    this.#signal = options.signal;
  }

  async _next(): Promise<Buffer | undefined> {
    return (await this._nextv(1))[0];
  }

  async _nextv(size: number): Promise<Buffer[]> {
    const entries = await take(this.#cursor, size, this.#signal);
    return entries.map(([, value]) => asBuffer(value));
  }

  _seek(target: Uint8Array): void {
    this.#cursor.seek(target);
  }

  async _close(): Promise<void> {
    this.#cursor.close();
  }
}

async function take(
  cursor: RangeCursor,
  size: number,
  signal: AbortSignal | undefined,
): Promise<[Uint8Array, Uint8Array][]> {
  try {
    return await cursor.take(size, signal);
  } catch (error) {
    if (signal?.aborted && error instanceof HoldfastError && error.code === 'HOLDFAST_ABORTED') {
      throw new LevelError('LEVEL_ABORTED', 'Operation has been aborted', signal.reason);
    }
    throw error;
  }
}
