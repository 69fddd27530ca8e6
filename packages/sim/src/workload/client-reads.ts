import type { Consistency } from '@holdfast/types';
import { checkNamespace } from '../oracles/kept-namespaces.ts';
import { checkToldAge } from '../oracles/told-ages.ts';
import type { PlannedRange, PlannedRead, PlannedSnapshot } from '../schedule/schedule.ts';
import { KEYS, PLAIN_KEYS, PROBE_KEY } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';
import { SnapshotReads } from './snapshot-reads.ts';

/** Entries of a range that are taken at once when there are pauses between them. */
const ENTRIES_AT_ONCE = 3;

/** What is used of an iterator. */
interface Pages {
  nextv(size: number): Promise<[string, string][]>;
  close(): Promise<void>;
}

/** Makes a read, and holds the answer against what the client had seen. */
export class ClientReads {
  readonly #world: ClientWorld;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  make(read: PlannedRead | PlannedRange | PlannedSnapshot): Promise<void> {
    if (read.kind === 'snapshot') return new SnapshotReads(this.#world).make(read);
    if (read.kind === 'range') return this.#range(read);
    const [key] = read.keys;
    return read.keys.length === 1 ? this.#point(key!, read) : this.#several(read);
  }

  async #point(key: string, planned: PlannedRead): Promise<void> {
    const { consistency, maxStalenessMs, afterOther, mayDegrade } = planned;
    const { databaseOf, keyOf, host, book, order, call, limits } = this.#world;
    const handed = afterOther === true ? book.handedTo(host) : undefined;
    const view = order.begin(handed?.floors);
    const { floor } = book;
    const recorded = this.#record(key, consistency);
    const options = {
      consistency,
      ...limits,
      ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
      ...(handed === undefined ? {} : { after: handed.token }),
      ...(mayDegrade === true ? { degrade: 'stale-reads' as const } : {}),
    };
    const asOf = this.#world.asOf();
    let failed = false;
    const result = await call(
      `read ${key} at ${consistency}${handed === undefined ? '' : ` with the token ${handed.token} of ${handed.client}`}`,
      () => databaseOf(key).read(keyOf(key), options),
      ({ code }) => {
        failed = true;
        recorded?.fail(code);
      },
    );
    if (failed) return;
    const { value, revision, staleness, degraded } = result ?? {};
    const found = new Map([[key, value]]);
    if (degraded !== undefined || (result === undefined && mayDegrade === true)) {
      // Of a key that is not there nothing is said: it may be the newest state or an older one.
      recorded?.fail('degraded');
      if (degraded === undefined) return;
      book.staleReads += 1;
      const agedFloor = staleness === undefined ? 0 : book.floorBefore(asOf(staleness));
      book.reads.push({ client: host, consistency: 'eventual', found, floor, agedFloor });
      if (revision !== undefined) order.saw(key, revision);
      return;
    }
    if (maxStalenessMs !== undefined && result !== undefined) checkToldAge(host, staleness, maxStalenessMs);
    recorded?.ok({ value: value ?? null, ...(revision === undefined ? {} : { revision }) });
    if (consistency === 'session') order.end(view, key, revision);
    else book.reads.push({ client: host, consistency, found, floor });
    if (revision !== undefined) order.saw(key, revision);
  }

  async #several({ keys, consistency, afterOther }: PlannedRead): Promise<void> {
    const { db, host, book, order, call, limits } = this.#world;
    const handed = afterOther === true ? book.handedTo(host) : undefined;
    const view = order.begin(handed?.floors);
    const { floor } = book;
    const options = { consistency, ...limits, after: handed?.token };
    const words = `read ${keys.join(', ')} at ${consistency}`;
    const values = await call(
      words,
      () => db.getMany([...keys], options),
      () => {},
    );
    if (values === undefined) return;
    const found = new Map(keys.map((key, place) => [key, values[place]]));
    // A session read may show what is not committed yet, and may be lost.
    if (consistency === 'session') order.endAll(view, found);
    else book.reads.push({ client: host, consistency, found, floor });
    order.sawAll(found);
  }

  async #range({ consistency, reverse, isNamespace, afterOther, pauseMs }: PlannedRange): Promise<void> {
    const { databaseOf, storedKeyOf, host, book, order, call, limits } = this.#world;
    const handed = afterOther === true ? book.handedTo(host) : undefined;
    const view = order.begin(handed?.floors);
    const { floor } = book;
    const keys = isNamespace === true ? KEYS.spaced : PLAIN_KEYS;
    const db = databaseOf(keys[0]!);
    const options = { consistency, ...limits, after: handed?.token, reverse };
    const entries = await call(
      `read all${isNamespace === true ? ' of the namespace' : ''} at ${consistency}`,
      () =>
        pauseMs === undefined ? db.iterator(options).all() : this.#slowly(db.iterator(options), pauseMs),
      () => {},
    );
    if (entries === undefined) return;
    const stored = entries.map(
      ([own, value]) => [isNamespace === true ? storedKeyOf(own) : own, value] as const,
    );
    checkNamespace(
      host,
      stored.map(([key]) => key),
      new Set([...keys, PROBE_KEY]),
    );
    const absent = keys.map((key) => [key, undefined] as const);
    const found = new Map<string, string | undefined>([...absent, ...stored]);
    if (consistency === 'session') order.endAll(view, found);
    order.sawAll(found);
    book.reads.push({ client: host, consistency, found, floor });
  }

  async #slowly(iterator: Pages, pauseMs: number): Promise<[string, string][]> {
    const entries: [string, string][] = [];
    try {
      for (;;) {
        const some = await iterator.nextv(ENTRIES_AT_ONCE);
        if (some.length === 0) return entries;
        entries.push(...some);
        await this.#world.pause(pauseMs);
      }
    } finally {
      await iterator.close();
    }
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
