import type { RecordedOperation } from '@holdfast/check';
import type { WriteSummary } from '@holdfast/client';
import type { Ack } from '@holdfast/types';
import { pick } from '../run/draw.ts';
import type { BookedWrite } from './call-book.ts';
import { isDeleted, KEYS } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';

type Change = BookedWrite['changes'][number];

interface Wanted {
  readonly changes: readonly Change[];
  readonly ack: Ack;
  readonly ifRevision?: number;
  /** Through the methods of abstract-level, which tell no revision. */
  readonly isPlain: boolean;
}

/** Draws a write, makes it, and keeps book of what the client was told. */
export class ClientWrites {
  readonly #world: ClientWorld;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  draw(): Promise<void> {
    const { random, localShare } = this.#world;
    if (random.next() < localShare)
      return this.#write({ changes: this.#local(), ack: 'local', isPlain: random.next() < 0.2 });
    const draw = random.next();
    if (draw < 0.25) return this.#increment();
    const ack = pick(random, ['quorum', 'quorum', 'quorum', 'all'] as const);
    if (draw < 0.45) return this.#write({ changes: this.#pair(), ack, isPlain: random.next() < 0.4 });
    if (draw < 0.7) return this.#conditional(ack);
    return this.#write({ changes: this.#register(), ack, isPlain: random.next() < 0.4 });
  }

  #local(): Change[] {
    return [this.#change(pick(this.#world.random, KEYS.locals))];
  }

  #register(): Change[] {
    return [this.#change(pick(this.#world.random, KEYS.registers))];
  }

  #pair(): Change[] {
    const value = this.#value();
    return pick(this.#world.random, KEYS.pairs).map((key) => ({ key, value }));
  }

  #conditional(ack: Ack): Promise<void> {
    const { random, order } = this.#world;
    const key = pick(random, KEYS.registers);
    const seen = order.begin().floors.get(key) ?? 0;
    const ifRevision = random.next() < 0.1 ? 0 : seen;
    return this.#write({ changes: [{ key, value: this.#value() }], ack, ifRevision, isPlain: false });
  }

  #change(key: string): Change {
    const isDelete = isDeleted(key) && this.#world.random.next() < 0.3;
    return { key, value: isDelete ? undefined : this.#value() };
  }

  /** Used once in a run. */
  #value(): string {
    const { host, book, random, paddingBytesMax } = this.#world;
    return `${host}-${book.writes.length}${'.'.repeat(random.next() ** 3 * paddingBytesMax)}`;
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

  async #perform({ changes, ack, ifRevision, isPlain }: Wanted): Promise<WriteSummary | undefined> {
    const { db, drawTimeoutMs } = this.#world;
    const options = { ack, timeoutMs: drawTimeoutMs() };
    const operations = changes.map(({ key, value }) =>
      value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
    );
    if (!isPlain)
      return db.write(operations, ifRevision === undefined ? options : { ...options, ifRevision });
    const [first] = operations;
    if (operations.length > 1) await db.batch(operations, options);
    else if (first?.type === 'put') await db.put(first.key, first.value, options);
    else if (first !== undefined) await db.del(first.key, options);
    return undefined;
  }

  async #increment(): Promise<void> {
    const { db, host, random, book, counters, order, call, drawTimeoutMs } = this.#world;
    const key = pick(random, KEYS.counters);
    const by = pick(random, [1, 1, 2, 5]);
    const booked = book.increment({ client: host, key, by });
    const recorded = counters.invoke({ client: host, op: 'increment', key, value: by });
    const timeoutMs = drawTimeoutMs();
    const result = await call(
      `increment ${key} by ${by}`,
      () => db.increment(key, by, { timeoutMs }),
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
}

function wordsOf({ changes, ack, ifRevision, isPlain }: Wanted): string {
  const what = changes.map(({ key, value }) => (value === undefined ? `del ${key}` : `put ${key}=${value}`));
  const condition = ifRevision === undefined ? '' : ` if at ${ifRevision}`;
  return `${what.join(', ')}${condition} at ${ack}${isPlain ? ' (plain)' : ''}`;
}
