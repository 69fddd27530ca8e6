import { HoldfastError, type Revision } from '@holdfast/types';
import type { HoldfastSublevel } from '../holdfast-sublevel.ts';
import { checkedNames } from '../options.ts';
import { withoutHooks } from '../prewrite-hooks.ts';
import type { Seams } from '../seams.ts';
import type { TransactionStep } from '../transaction.ts';
import { checkedSagaCall, type SagaCallOptions } from './saga-call.ts';
import {
  isFinished,
  isOver,
  type SagaChange,
  type SagaRecord,
  type SagaState,
  sagaKey,
} from './saga-record.ts';

/** A database that keeps sagas: a `Holdfast` or a sublevel of one. */
export interface SagaDatabase {
  sublevel(
    name: string | string[],
    options: { readonly keyEncoding: 'utf8'; readonly valueEncoding: 'json' },
  ): unknown;
}

/** A record as it was read or written. */
export interface HeldRecord {
  readonly record: SagaRecord;
  readonly revision: Revision;
}

export interface SagaFilter {
  readonly type?: string | undefined;
  readonly state?: SagaState | undefined;
}

type Level<V> = HoldfastSublevel<unknown, string, V>;

const RECORDS_SUBLEVEL = 'sagas';
const OPEN_SUBLEVEL = 'sagas-open';

/**
 * Where sagas are kept: one record each, changed by compare-and-set alone, and beside those not over an entry that says
 * so, so that workers need not look through all that ever were.
 */
export class SagaStore {
  readonly #records: Level<SagaRecord>;
  readonly #open: Level<true>;
  readonly #seams: Seams;
  /** How long those that have ended are kept; undefined: for ever. */
  readonly retentionMs: number | undefined;

  constructor(database: SagaDatabase, seams: Seams, retentionMs: number | undefined) {
    this.retentionMs = retentionMs;
    const sublevel = (name: string): object =>
      withoutHooks(database.sublevel(name, { keyEncoding: 'utf8', valueEncoding: 'json' }) as object);
    this.#records = sublevel(RECORDS_SUBLEVEL) as Level<SagaRecord>;
    this.#open = sublevel(OPEN_SUBLEVEL) as Level<true>;
    this.#seams = seams;
  }

  /** The record of that name that was there before, or this one. */
  async create(record: SagaRecord, options: SagaCallOptions): Promise<{ held: HeldRecord; isNew: boolean }> {
    const key = sagaKey(record);
    const { branch, steps, revision } = await this.#records.transaction<string, unknown>(
      {
        if: [{ key, absent: true }],
        then: [
          { type: 'put', key, value: true, sublevel: this.#open },
          { type: 'put', key, value: record },
        ],
        else: [{ type: 'get', key }],
      },
      checkedSagaCall(options),
    );
    if (branch === 'then') return { held: { record, revision }, isNew: true };
    const found = steps[0] as { readonly value: SagaRecord; readonly revision: Revision };
    return { held: { record: found.value, revision: found.revision }, isNew: false };
  }

  async read(type: string, id: string, options: SagaCallOptions): Promise<HeldRecord | undefined> {
    const found = await this.#records.read(sagaKey({ type, id }), {
      consistency: 'linearizable',
      ...checkedSagaCall(options),
    });
    return found && { record: found.value, revision: found.revision };
  }

  /**
   * By a worker, whose `token` is kept, or by an operator. The record as changed; or, if somebody else has changed it
   * meanwhile, undefined.
   */
  async change(
    held: HeldRecord,
    change: SagaChange,
    { token, ...options }: SagaCallOptions & { readonly token?: Revision },
  ): Promise<HeldRecord | undefined> {
    const key = sagaKey(held.record);
    const record: SagaRecord = {
      ...held.record,
      ...change,
      ...(token === undefined ? {} : { token, moves: held.record.moves + 1 }),
      changedAt: this.#seams.clock.wallTime(),
    };
    const { branch, revision } = await this.#records.transaction<string, unknown>(
      {
        if: [{ key, revision: held.revision }],
        // The record last: its revision is that of the transaction.
        then: [
          ...this.#opened(held.record, record),
          {
            type: 'put',
            key,
            value: record,
            ttlMs: isFinished(record.state) ? this.retentionMs : undefined,
          },
        ],
      },
      checkedSagaCall(options),
    );
    return branch === 'then' ? { record, revision } : undefined;
  }

  /** What the entry of those not over needs. */
  #opened(before: SagaRecord, after: SagaRecord): TransactionStep<string, unknown>[] {
    if (isOver(before.state) === isOver(after.state)) return [];
    const entry = { key: sagaKey(after), sublevel: this.#open };
    return [isOver(after.state) ? { type: 'del', ...entry } : { type: 'put', ...entry, value: true }];
  }

  /** False: somebody has changed it meanwhile. */
  async remove(held: HeldRecord, options: SagaCallOptions): Promise<boolean> {
    const key = sagaKey(held.record);
    const { branch } = await this.#records.transaction<string, unknown>(
      {
        if: [{ key, revision: held.revision }],
        then: [
          { type: 'del', key },
          { type: 'del', key, sublevel: this.#open },
        ],
      },
      checkedSagaCall(options),
    );
    return branch === 'then';
  }

  /** In the order of types and ids. */
  async *list(filter: SagaFilter, options: SagaCallOptions): AsyncGenerator<SagaRecord> {
    checkedNames('filter', filter, ['type', 'state']);
    const { type, state } = filter;
    const range = type === undefined ? {} : rangeOf(type);
    for await (const record of this.#records.values({ ...range, ...checkedSagaCall(options) })) {
      if (state === undefined || record.state === state) yield record;
    }
  }

  /** Ids of sagas that are not over. */
  async *unfinished(type: string, signal: AbortSignal): AsyncGenerator<string> {
    for await (const key of this.#open.keys({ ...rangeOf(type), signal })) yield key.slice(type.length + 1);
  }
}

/** The character behind the slash is the digit 0. */
function rangeOf(type: string): { readonly gt: string; readonly lt: string } {
  return { gt: `${type}/`, lt: `${type}0` };
}

export function noSuchSaga(type: string, id: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_SAGA_NOT_FOUND',
    `there is no saga ${JSON.stringify(id)} of type ${type}`,
  );
}
