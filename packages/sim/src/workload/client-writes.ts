import type { RecordedOperation } from '@holdfast/check';
import { HoldfastError, type WriteSummary } from '@holdfast/client';
import { type Ack, assert, assertNever, type Revision } from '@holdfast/types';
import type { PlannedClear, PlannedIncrement, PlannedRenewal, PlannedWrite } from '../schedule/schedule.ts';
import type { BookedWrite } from './call-book.ts';
import { isExpiring, KEYS } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';

type Change = BookedWrite['changes'][number];

interface Wanted {
  readonly changes: readonly Change[];
  readonly ack: Ack;
  readonly ifRevision?: number;
  readonly ttlMs?: number;
  /** Through the methods of abstract-level, which tell no revision. */
  readonly isPlain: boolean;
  /** To the same effect: an operation is an operation, however it is asked for. */
  readonly isTransaction: boolean;
}

/** Every so many writes are made as transactions, if they can be. */
const TRANSACTION_EVERY = 3;

/** Makes a write, and keeps book of what the client was told. */
export class ClientWrites {
  readonly #world: ClientWorld;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  make(write: PlannedWrite | PlannedIncrement | PlannedRenewal | PlannedClear): Promise<void> {
    switch (write.kind) {
      case 'write':
        return this.#write(this.#want(write));
      case 'increment':
        return this.#increment(write);
      case 'renewal':
        return this.#renew(write);
      case 'clear':
        return this.#clear();
      default:
        return assertNever(write);
    }
  }

  #want({ keys, ack, isDelete, padding = 0, isPlain, onlyIf, ttlMs }: PlannedWrite): Wanted {
    const { host, book, order } = this.#world;
    // Used once in a run.
    const value = `${host}-${book.writes.length}${'.'.repeat(padding)}`;
    const changes = keys.map((key) => ({ key, value: isDelete === true ? undefined : value }));
    const canTransact = isPlain !== true && ack !== 'local' && !keys.some(isExpiring);
    const isTransaction = canTransact && book.writes.length % TRANSACTION_EVERY === 0;
    const timed = ttlMs === undefined ? {} : { ttlMs };
    const wanted: Wanted = { changes, ack, isPlain: isPlain === true, isTransaction, ...timed };
    if (onlyIf === undefined) return wanted;
    return { ...wanted, ifRevision: onlyIf === 'absent' ? 0 : order.toldOf(keys[0]!) };
  }

  async #write(wanted: Wanted): Promise<void> {
    const { host, book, order, call } = this.#world;
    const { changes, ack, ifRevision } = wanted;
    const booked = book.write({ client: host, changes, ifRevision });
    const recorded = this.#record(wanted);
    const result = await call(
      wordsOf(wanted),
      () => this.#perform(wanted),
      ({ outcome, code, detail }) => {
        if (code === 'HOLDFAST_CONFLICT') recorded?.ok({ swapped: false, revision: detail ?? 0 });
        else if (outcome === 'not-applied') recorded?.fail(code);
        else recorded?.info(code);
        if (outcome === 'applied')
          book.settleWrite(booked, { kind: 'acknowledged', ack: 'quorum', revision: undefined });
        else if (code === 'HOLDFAST_CONFLICT') book.settleWrite(booked, { kind: 'refused' });
        else book.settleWrite(booked, { kind: outcome === 'unknown' ? 'unknown' : 'notApplied' });
      },
    );
    if (booked.outcome.kind !== 'open') return;
    book.settleWrite(booked, { kind: 'acknowledged', ack: result?.ack ?? ack, revision: result?.revision });
    recorded?.ok(result === undefined ? {} : { revision: result.revision });
    if (result === undefined) return;
    changes.forEach(({ key }, place) => {
      order.saw(key, result.revision - (changes.length - 1 - place));
    });
  }

  /** A history for the linearizability check: of registers only, whose writes are acknowledged once they cannot be lost. */
  #record({ changes, ack, ifRevision }: Wanted): RecordedOperation | undefined {
    const [change] = changes;
    if (change === undefined || !(KEYS.registers as readonly string[]).includes(change.key)) return undefined;
    const { host, registers } = this.#world;
    return registers.invoke({
      client: host,
      op: change.value === undefined ? 'delete' : 'put',
      key: change.key,
      ack,
      ...(change.value === undefined ? {} : { value: change.value }),
      ...(ifRevision === undefined ? {} : { ifRevision }),
    });
  }

  async #perform(wanted: Wanted): Promise<WriteSummary | undefined> {
    if (wanted.isTransaction) return await this.#transact(wanted);
    const { changes, ack, ifRevision, isPlain, ttlMs } = wanted;
    const { databaseOf, keyOf, limits } = this.#world;
    const db = databaseOf(changes[0]!.key);
    const options = { ack, ...limits };
    const operations = changes.map(({ key, value }) =>
      value === undefined
        ? ({ type: 'del', key: keyOf(key) } as const)
        : ({ type: 'put', key: keyOf(key), value, ttlMs } as const),
    );
    if (!isPlain)
      return db.write(operations, ifRevision === undefined ? options : { ...options, ifRevision });
    const [first] = operations;
    if (operations.length > 1) await db.batch(operations, options);
    else if (first?.type === 'put') await db.put(first.key, first.value, { ...options, ttlMs });
    else if (first !== undefined) await db.del(first.key, options);
    return undefined;
  }

  /** As the write with its condition, by way of the other branch. */
  async #transact({ changes, ack, ifRevision }: Wanted): Promise<WriteSummary> {
    const { databaseOf, keyOf, limits } = this.#world;
    const db = databaseOf(changes[0]!.key);
    const key = keyOf(changes[0]!.key);
    const { branch, steps, ...summary } = await db.transaction(
      {
        if: ifRevision === undefined ? [] : [{ key, revision: ifRevision }],
        then: changes.map((change) =>
          change.value === undefined
            ? ({ type: 'del', key: keyOf(change.key) } as const)
            : ({ type: 'put', key: keyOf(change.key), value: change.value } as const),
        ),
        else: [{ type: 'get', key }],
      },
      { ack: ack === 'local' ? undefined : ack, ...limits },
    );
    if (branch === 'then') return summary;
    throw new HoldfastError('HOLDFAST_CONFLICT', 'the other branch ran', { detail: steps[0]!.revision });
  }

  async #increment(increment: PlannedIncrement): Promise<void> {
    const { db, host, book, counters, order, call, limits } = this.#world;
    const { key, by, ack } = increment;
    const booked = book.increment({ client: host, key, by });
    const recorded = counters.invoke({ client: host, op: 'increment', key, value: by });
    const result = await call(
      `increment ${key} by ${by}${ack === undefined ? '' : ` at ${ack}`}`,
      () =>
        book.increments.length % TRANSACTION_EVERY === 0
          ? this.#incrementInTransaction(increment)
          : db.increment(key, by, { ack, ...limits }),
      ({ outcome, code }) => {
        book.settleIncrement(booked, { kind: outcome === 'not-applied' ? 'notApplied' : 'unknown' });
        if (outcome === 'not-applied') recorded.fail(code);
        else recorded.info(code);
      },
    );
    if (result === undefined) return;
    book.settleIncrement(booked, { kind: 'acknowledged', ...result });
    recorded.ok(result);
    order.saw(key, result.revision);
  }

  async #clear(): Promise<void> {
    const { databaseOf, host, book, call, limits } = this.#world;
    const { floor } = book;
    const keys = KEYS.spaced;
    let failed = false;
    await call(
      'clear the namespace',
      () => databaseOf(keys[0]!).clear(limits),
      () => {
        failed = true;
      },
    );
    if (!failed) book.clears.push({ client: host, keys, floor, ceiling: databaseOf(keys[0]!).token() });
  }

  /** By way of a transaction, which tells the revision. Whether there was such a key is for the log to say. */
  async #renew({ key, ttlMs }: PlannedRenewal): Promise<void> {
    const { db, host, book, order, call, limits } = this.#world;
    const step =
      ttlMs === undefined ? ({ type: 'persist', key } as const) : ({ type: 'expire', key, ttlMs } as const);
    const result = await call(
      `${step.type} ${key}${ttlMs === undefined ? '' : ` in ${ttlMs} ms`}`,
      () => db.transaction({ then: [step] }, limits),
      () => {},
    );
    const revision = result?.steps[0]?.revision ?? 0;
    if (revision === 0) return;
    book.renewed({ client: host, key, revision });
    order.saw(key, revision);
  }

  async #incrementInTransaction(increment: PlannedIncrement): Promise<{ value: number; revision: Revision }> {
    const { db, limits } = this.#world;
    const { key, by, ack } = increment;
    const { steps } = await db.transaction({ then: [{ type: 'increment', key, by }] }, { ack, ...limits });
    const [step] = steps;
    assert(step?.type === 'increment', 'an increment has the result of one');
    return { value: step.value, revision: step.revision };
  }
}

function wordsOf({ changes, ack, ifRevision, isPlain, isTransaction, ttlMs }: Wanted): string {
  const what = changes.map(({ key, value }) => (value === undefined ? `del ${key}` : `put ${key}=${value}`));
  const condition = ifRevision === undefined ? '' : ` if at ${ifRevision}`;
  const time = ttlMs === undefined ? '' : ` for ${ttlMs} ms`;
  return `${what.join(', ')}${time}${condition} at ${ack}${isPlain ? ' (plain)' : ''}${isTransaction ? ' (transaction)' : ''}`;
}
