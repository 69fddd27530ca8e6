import type { Consistency } from '@holdfast/types';
import type { PlannedRange, PlannedRead } from '../schedule/schedule.ts';
import { ALL_KEYS, isDeleted, KEYS } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';

/** Makes a read, and holds the answer against what the client had seen. */
export class ClientReads {
  readonly #world: ClientWorld;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  make(read: PlannedRead | PlannedRange): Promise<void> {
    if (read.kind === 'range') return this.#range(read);
    const [key] = read.keys;
    return read.keys.length === 1 ? this.#point(key!, read.consistency) : this.#several(read);
  }

  async #point(key: string, consistency: Consistency): Promise<void> {
    const { db, host, book, order, call, timeoutMs } = this.#world;
    const view = order.begin();
    const { floor } = book;
    const recorded = this.#record(key, consistency);
    let failed = false;
    const result = await call(
      `read ${key} at ${consistency}`,
      () => db.read(key, { consistency, timeoutMs }),
      ({ code }) => {
        failed = true;
        recorded?.fail(code);
      },
    );
    if (failed) return;
    const { value, revision } = result ?? {};
    recorded?.ok({ value: value ?? null, ...(revision === undefined ? {} : { revision }) });
    if (consistency === 'session') order.end(view, key, revision, isDeleted(key));
    else book.reads.push({ client: host, consistency, found: new Map([[key, value]]), floor });
    if (revision !== undefined) order.saw(key, revision);
  }

  async #several({ keys, consistency }: PlannedRead): Promise<void> {
    const { db, host, book, call, timeoutMs } = this.#world;
    const { floor } = book;
    const options = { consistency, timeoutMs };
    const words = `read ${keys.join(', ')} at ${consistency}`;
    const values = await call(
      words,
      () => db.getMany([...keys], options),
      () => {},
    );
    // A session read may show what is not committed yet, and may be lost.
    if (values === undefined || consistency === 'session') return;
    const found = new Map(keys.map((key, place) => [key, values[place]]));
    book.reads.push({ client: host, consistency, found, floor });
  }

  async #range({ consistency, reverse }: PlannedRange): Promise<void> {
    const { db, host, book, call, timeoutMs } = this.#world;
    const { floor } = book;
    const options = { consistency, timeoutMs, reverse };
    const entries = await call(
      `read all at ${consistency}`,
      () => db.iterator(options).all(),
      () => {},
    );
    if (entries === undefined) return;
    const found = new Map<string, string | undefined>(ALL_KEYS.map((key) => [key, undefined]));
    for (const [key, value] of entries) found.set(key, value);
    book.reads.push({ client: host, consistency, found, floor });
  }

  #record(key: string, consistency: Consistency): ReturnType<ClientWorld['registers']['invoke']> | undefined {
    if (consistency !== 'linearizable') return undefined;
    const { host, registers, counters } = this.#world;
    if ((KEYS.registers as readonly string[]).includes(key))
      return registers.invoke({ client: host, op: 'get', key, consistency });
    if ((KEYS.counters as readonly string[]).includes(key))
      return counters.invoke({ client: host, op: 'get', key, consistency });
    return undefined;
  }
}
