import type { Consistency } from '@holdfast/types';
import { pick } from '../run/draw.ts';
import { isDeleted, KEYS } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';

const SINGLE_KEYS: readonly string[] = [...KEYS.registers, ...KEYS.counters, ...KEYS.locals];

const CONSISTENCIES: readonly Consistency[] = [
  'linearizable',
  'linearizable',
  'session',
  'session',
  'eventual',
];

/** Draws a read, makes it, and holds the answer against what the client had seen. */
export class ClientReads {
  readonly #world: ClientWorld;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  draw(): Promise<void> {
    const { random } = this.#world;
    const consistency = pick(random, CONSISTENCIES);
    const draw = random.next();
    if (draw < 0.7) return this.#point(pick(random, SINGLE_KEYS), consistency);
    if (draw < 0.85) return this.#several(pick(random, KEYS.pairs), consistency);
    return this.#range(consistency);
  }

  async #point(key: string, consistency: Consistency): Promise<void> {
    const { db, host, book, order, call, drawTimeoutMs } = this.#world;
    const view = order.begin();
    const { floor } = book;
    const recorded = this.#record(key, consistency);
    const timeoutMs = drawTimeoutMs();
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

  async #several(keys: readonly string[], consistency: Consistency): Promise<void> {
    const { db, host, book, call, drawTimeoutMs } = this.#world;
    const { floor } = book;
    const options = { consistency, timeoutMs: drawTimeoutMs() };
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

  /** Every key there is. */
  async #range(consistency: Consistency): Promise<void> {
    const { db, host, random, book, call, drawTimeoutMs } = this.#world;
    const { floor } = book;
    const options = { consistency, timeoutMs: drawTimeoutMs(), reverse: random.next() < 0.3 };
    const entries = await call(
      `read all at ${consistency}`,
      () => db.iterator(options).all(),
      () => {},
    );
    if (entries === undefined) return;
    const found = new Map<string, string | undefined>(
      [...SINGLE_KEYS, ...KEYS.pairs.flat()].map((key) => [key, undefined]),
    );
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
