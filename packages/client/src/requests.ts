import type { Ack, Condition, KeyRange, Operation, Revision, WriteReceipt } from '@holdfast/types';
import type { AbstractSnapshot } from 'abstract-level';
import { asBuffer } from './bytes.ts';
import { CallMaker } from './call-maker.ts';
import { type CallNames, CLEAR_NAMES, READ_NAMES } from './call-names.ts';
import { CallTime } from './call-time.ts';
import { type KeyBounds, rangeBehind } from './keys/key-bounds.ts';
import { type KeySpace, keySpaceOf } from './keys/key-space.ts';
import {
  type CallDefaults,
  type CallOptions,
  checkedAck,
  checkedSignal,
  checkedTtl,
  type ReadCallOptions,
  type WriteCallOptions,
} from './options.ts';
import { clearRange } from './range-clear.ts';
import { RangeCursor, type RangeRead } from './range-cursor.ts';
import { rangeOfNow, rangeOfSnapshot, refusedRange } from './range-openings.ts';
import type { Seams } from './seams.ts';
import type { ServedAnswer } from './session/call.ts';
import { HoldfastSnapshot } from './snapshot.ts';
import { SnapshotPin } from './snapshot-pin.ts';
import type { Tenant } from './tenant.ts';
import type { EncodedTransaction } from './transaction.ts';
import { WatchSource } from './watch/watch-source.ts';
import { WatchState } from './watch/watch-state.ts';
import { WatchStream } from './watch/watch-stream.ts';
import { checkedBounds } from './write-request.ts';

/** What abstract-level hands down for a read. */
export interface ReadRequestOptions extends ReadCallOptions {
  readonly snapshot?: AbstractSnapshot | null | undefined;
}

/** For a put. */
export interface PutRequestOptions extends WriteCallOptions {
  readonly ttlMs?: number | undefined;
}

/** What it hands down for a range. */
export interface RangeOptions extends ReadRequestOptions, KeyBounds {
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** What it hands down in a batch. */
export type EncodedOperation =
  | {
      readonly type: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly ttlMs?: number | undefined;
    }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** What a watch is to tell, in encoded keys. */
export interface WatchRequest {
  readonly bounds: KeyBounds;
  readonly from: Revision | undefined;
  readonly initial: boolean;
  readonly previousValues: boolean;
  readonly options: Pick<ReadCallOptions, 'readPreference' | 'timeoutMs'>;
}

/** The database in encoded keys and values of one key space, open. */
export class Requests {
  readonly #tenant: Tenant;
  readonly #maker: CallMaker;
  readonly #keys: KeySpace;
  readonly #defaults: CallDefaults;

  constructor(tenant: Tenant, keys: KeySpace, defaults: CallDefaults) {
    this.#tenant = tenant;
    this.#keys = keys;
    this.#defaults = defaults;
    this.#maker = new CallMaker(tenant, defaults);
  }

  async get(key: Uint8Array, options: ReadRequestOptions): Promise<Buffer | undefined> {
    const { answer } = await this.read(key, options);
    const item = answer.items[0];
    return item === undefined ? undefined : asBuffer(item.value);
  }

  async getMany(keys: readonly Uint8Array[], options: ReadRequestOptions): Promise<(Buffer | undefined)[]> {
    const { answer } = await this.#readAll(keys, options);
    return answer.items.map((item) => (item === undefined ? undefined : asBuffer(item.value)));
  }

  async hasMany(keys: readonly Uint8Array[], options: ReadRequestOptions): Promise<boolean[]> {
    const { answer } = await this.#readAll(keys, options);
    return answer.items.map((item) => item !== undefined);
  }

  // The next ones are not `async`, so that a write costs one promise less; what is wrong with their arguments
  // is thrown inside an async method of abstract-level.

  read(key: Uint8Array, options: ReadRequestOptions): Promise<ServedAnswer> {
    return this.#readStored([this.#keys.stored(key)], options);
  }

  put(key: Uint8Array, value: Uint8Array, options: PutRequestOptions): Promise<WriteReceipt> {
    return this.#writeStored([timed(this.#keys.stored(key), value, checkedTtl(options.ttlMs))], options);
  }

  del(key: Uint8Array, options: WriteCallOptions): Promise<WriteReceipt> {
    return this.#writeStored([{ kind: 'del', key: this.#keys.stored(key) }], options);
  }

  increment(key: Uint8Array, by: number, options: WriteCallOptions): Promise<WriteReceipt> {
    return this.#writeStored([{ kind: 'increment', key: this.#keys.stored(key), by }], options);
  }

  batch(
    operations: readonly EncodedOperation[],
    options: WriteCallOptions,
    conditions?: readonly Condition[],
  ): Promise<WriteReceipt> {
    return this.#writeStored(
      operations.map((operation) => this.#toOperation(operation)),
      options,
      conditions?.map((condition) => this.#stored(condition)),
    );
  }

  transaction(
    { conditions, operations, otherwise, locks = [] }: EncodedTransaction,
    options: WriteCallOptions,
  ): Promise<WriteReceipt> {
    return this.#tenant.submit(
      this.#maker.transaction(
        {
          conditions: [...conditions.map((condition) => this.#stored(condition)), ...locks],
          operations: operations.map((step) => this.#stored(step)),
          otherwise: otherwise.map((step) => this.#stored(step)),
        },
        options,
      ),
      options.signal,
    );
  }

  /** The same, in keys as the cluster stores them: for what Holdfast keeps beside those of applications. */
  get ofStoredKeys(): Requests {
    return new Requests(this.#tenant, keySpaceOf({ rawKeys: true }), this.#defaults);
  }

  /** What the cluster knows a key of this one by. */
  storedKey(key: Uint8Array): Uint8Array {
    return this.#keys.stored(key);
  }

  /** Of a write that names none; undefined: left to the nodes, none of which has told it yet. */
  get defaultAck(): Ack | undefined {
    return this.#maker.defaultAck;
  }

  /** Of a call, milliseconds. */
  timeoutMs(options: CallOptions): number {
    return this.#maker.timeoutMs(options);
  }

  /** The state of now, held until it is closed. */
  pin(options: ReadCallOptions): SnapshotPin {
    const signal = checkedSignal(options.signal);
    return new SnapshotPin(this.#tenant, this.#maker.snapshot(options), signal);
  }

  /** On the snapshot given; otherwise on one of now. What is wrong with the options fails its first read. */
  cursor(
    options: RangeOptions,
    what: { keys: boolean; values: boolean },
    names: CallNames = READ_NAMES,
  ): RangeCursor {
    const { reverse = false, limit = -1 } = options;
    const range = { ...this.#keys.range(options), reverse, limit, keys: what.keys, values: what.values };
    return new RangeCursor(this.#tenant, this.#keys, { range, ...this.#opening(range, options, names) });
  }

  /** What comes after `from`, or after now; before that what is there now, if `initial`. */
  watch(what: WatchRequest, seams: Pick<Seams, 'clock' | 'random'>): WatchSource {
    const { from, initial, previousValues, options } = what;
    const tenant = this.#tenant;
    const range = this.#keys.range(what.bounds);
    checkedBounds(range);
    const makeCall = this.#maker.watch(options, { range, previousValues });
    const stream = new WatchStream({ tenant, seams, from, makeCall });
    if (!initial) return new WatchSource(stream, undefined);
    const { readPreference, timeoutMs } = options;
    const state = new WatchState({
      seams,
      read: (behind) =>
        this.#cursorOfNow(
          { ...rangeBehind(range, behind, false), reverse: false, values: true },
          { readPreference, timeoutMs },
        ),
    });
    return new WatchSource(stream, state);
  }

  /** Deletes what the range holds now, piece by piece: not atomic, and each piece has the call's time to itself. */
  async clear(options: RangeOptions & WriteCallOptions): Promise<void> {
    checkedAck(options.ack);
    const { limit = -1, reverse = false } = options;
    const signal = checkedSignal(options.signal);
    await clearRange({
      cursor: this.cursor({ ...options, limit: 1 }, { keys: false, values: false }, CLEAR_NAMES),
      bounds: this.#keys.range(options),
      reverse,
      // What abstract-level takes for a whole number, a message may not.
      limit: Math.min(limit, Number.MAX_SAFE_INTEGER),
      signal,
      write: (clear) => this.#tenant.submit(this.#maker.clear(clear, options), signal),
    });
  }

  /**
   * Does not throw: abstract-level makes iterators while it lets go what waited for the database to open, and one that
   * threw would leave all behind it waiting for ever.
   */
  #opening(range: KeyBounds, options: RangeOptions, names: CallNames): Pick<RangeRead, 'open' | 'timeoutMs'> {
    try {
      names.check(options);
      checkedBounds(range);
      const reading = names.takes('degrade') ? options : { ...options, degrade: 'none' as const };
      const pin = HoldfastSnapshot.pinOf(options.snapshot, this.#tenant);
      const timeoutMs = this.#maker.timeoutMs(options);
      const open =
        pin === undefined
          ? rangeOfNow(this.#tenant, this.#maker.scan(reading))
          : rangeOfSnapshot(this.#tenant, pin, timeoutMs);
      return { timeoutMs, open };
    } catch (error) {
      return { timeoutMs: 0, open: () => refusedRange(error) };
    }
  }

  /** Whatever the calls of this database are content with, this is what is newest. */
  #cursorOfNow(
    range: KeyBounds & Pick<KeyRange, 'reverse' | 'values'>,
    options: Pick<ReadCallOptions, 'readPreference' | 'timeoutMs'>,
  ): RangeCursor {
    const all = { ...range, limit: -1, keys: true };
    const timeoutMs = this.#maker.timeoutMs(options);
    const open = rangeOfNow(this.#tenant, this.#maker.scan({ ...options, consistency: 'linearizable' }));
    return new RangeCursor(this.#tenant, this.#keys, { range: all, timeoutMs, open });
  }

  #readAll(keys: readonly Uint8Array[], options: ReadRequestOptions): Promise<ServedAnswer> {
    return this.#readStored(
      keys.map((key) => this.#keys.stored(key)),
      options,
    );
  }

  #readStored(keys: readonly Uint8Array[], options: ReadRequestOptions): Promise<ServedAnswer> {
    const { snapshot } = options;
    if (snapshot !== undefined && snapshot !== null) return this.#readSnapshot(keys, options);
    return this.#tenant.submit(this.#maker.read(keys, options), options.signal);
  }

  #readSnapshot(keys: readonly Uint8Array[], options: ReadRequestOptions): Promise<ServedAnswer> {
    const pin = HoldfastSnapshot.pinOf(options.snapshot, this.#tenant) as SnapshotPin;
    const time = new CallTime(
      this.#tenant.seams,
      this.#maker.timeoutMs(options),
      checkedSignal(options.signal),
    );
    return pin.read((home) => {
      const { timeoutMs, signal } = time.left();
      return this.#tenant.submit(this.#maker.snapshotRead(keys, { ...options, timeoutMs }, home), signal);
    }, time);
  }

  #writeStored(
    operations: readonly Operation[],
    options: WriteCallOptions,
    conditions?: readonly Condition[],
  ): Promise<WriteReceipt> {
    return this.#tenant.submit(this.#maker.write(operations, options, conditions), options.signal);
  }

  #stored<Part extends { readonly key: Uint8Array }>(part: Part): Part {
    return { ...part, key: this.#keys.stored(part.key) };
  }

  #toOperation(operation: EncodedOperation): Operation {
    const key = this.#keys.stored(operation.key);
    return operation.type === 'put'
      ? timed(key, operation.value, checkedTtl(operation.ttlMs))
      : { kind: 'del', key };
  }
}

function timed(key: Uint8Array, value: Uint8Array, ttlMs: number | undefined): Operation {
  return ttlMs === undefined ? { kind: 'put', key, value } : { kind: 'put', key, value, ttlMs };
}
