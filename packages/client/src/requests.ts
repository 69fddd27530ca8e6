import type { Condition, Operation, WriteReceipt } from '@holdfast/types';
import { asBuffer } from './bytes.ts';
import { CallMaker, type RangeOptions } from './call-maker.ts';
import type { Driver } from './driver.ts';
import type { CallDefaults, ReadCallOptions, WriteCallOptions } from './options.ts';
import { RangeCursor } from './range-cursor.ts';
import type { ServedAnswer } from './session/call.ts';

/** Keys deleted by one request of `clear`. */
const CLEAR_CHUNK_KEYS = 1000;

/** What abstract-level hands down in a batch. */
export type EncodedOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** The database in encoded keys and values, on an open driver. */
export class Requests {
  readonly #driver: Driver;
  readonly #maker: CallMaker;

  constructor(driver: Driver, defaults: CallDefaults) {
    this.#driver = driver;
    this.#maker = new CallMaker(driver, defaults);
  }

  async get(key: Uint8Array, options: ReadCallOptions): Promise<Buffer | undefined> {
    const { answer } = await this.read([key], options);
    const item = answer.items[0];
    return item === undefined ? undefined : asBuffer(item.value);
  }

  async getMany(keys: readonly Uint8Array[], options: ReadCallOptions): Promise<(Buffer | undefined)[]> {
    const { answer } = await this.read(keys, options);
    return answer.items.map((item) => (item === undefined ? undefined : asBuffer(item.value)));
  }

  async hasMany(keys: readonly Uint8Array[], options: ReadCallOptions): Promise<boolean[]> {
    const { answer } = await this.read(keys, options);
    return answer.items.map((item) => item !== undefined);
  }

  // The next two are not `async`, so that a write costs one promise less; what is wrong with their arguments
  // is thrown inside an async method of abstract-level.

  read(keys: readonly Uint8Array[], options: ReadCallOptions): Promise<ServedAnswer> {
    return this.#driver.submit(this.#maker.read(keys, options), options.signal);
  }

  write(
    operations: readonly Operation[],
    options: WriteCallOptions,
    conditions?: readonly Condition[],
  ): Promise<WriteReceipt> {
    return this.#driver.submit(this.#maker.write(operations, options, conditions), options.signal);
  }

  batch(operations: readonly EncodedOperation[], options: WriteCallOptions): Promise<WriteReceipt> {
    return this.write(operations.map(toOperation), options);
  }

  /** Its snapshot is the state of now. */
  cursor(options: RangeOptions, what: { keys: boolean; values: boolean }): RangeCursor {
    return new RangeCursor(this.#driver, this.#maker.range(options, what));
  }

  /** Deletes what the range holds now, chunk by chunk: not atomic, and each chunk has the call's time to itself. */
  async clear(options: RangeOptions & WriteCallOptions): Promise<void> {
    const cursor = this.cursor(options, { keys: true, values: false });
    let left = options.limit === undefined || options.limit < 0 ? Number.POSITIVE_INFINITY : options.limit;
    try {
      while (left > 0) {
        const entries = await cursor.take(Math.min(CLEAR_CHUNK_KEYS, left), options.signal);
        if (entries.length === 0) return;
        left -= entries.length;
        await this.write(
          entries.map(([key]) => ({ kind: 'del', key })),
          options,
        );
      }
    } finally {
      cursor.close();
    }
  }
}

function toOperation(operation: EncodedOperation): Operation {
  const { type, key } = operation;
  return type === 'put' ? { kind: 'put', key, value: operation.value } : { kind: 'del', key };
}
