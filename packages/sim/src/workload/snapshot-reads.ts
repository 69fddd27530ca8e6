import { SteadySnapshot } from '../oracles/steady-snapshots.ts';
import type { PlannedSnapshot } from '../schedule/schedule.ts';
import { PLAIN_KEYS } from './keys.ts';
import type { ClientWorld } from './sim-client.ts';

type Snapshot = ReturnType<ClientWorld['db']['snapshot']>;
type Found = readonly (readonly [key: string, value: string | undefined])[];

/** Several reads of one snapshot: what they find together is one state, and what is read twice is the same. */
export class SnapshotReads {
  readonly #world: ClientWorld;
  readonly #steady: SteadySnapshot;

  constructor(world: ClientWorld) {
    this.#world = world;
    this.#steady = new SteadySnapshot(world.host);
  }

  async make({ consistency, reads, pauseMs, afterOther }: PlannedSnapshot): Promise<void> {
    const { db, host, book, order, call, limits, pause } = this.#world;
    const handed = afterOther === true ? book.handedTo(host) : undefined;
    const view = order.begin(handed?.floors);
    const { floor } = book;
    const snapshot = await call(
      `take a snapshot at ${consistency}`,
      async () => db.snapshot({ consistency, timeoutMs: limits.timeoutMs, after: handed?.token } as never),
      () => {},
      () => 'taken',
    );
    if (snapshot === undefined) return;
    for (const keys of reads) {
      await pause(pauseMs);
      const found = await call(
        `read ${keys === 'all' ? 'all' : keys.join(', ')} of the snapshot`,
        () => this.#read(snapshot, keys),
        () => {},
      );
      // It is lost with its node: what was read before is of one state all the same.
      if (found === undefined) break;
      for (const [key, value] of found) this.#steady.saw(key, value);
      if (consistency === 'session') order.endAll(view, new Map(found));
      order.sawAll(new Map(found));
    }
    await snapshot.close();
    const { found } = this.#steady;
    if (found.size > 0) book.reads.push({ client: host, consistency, found, floor });
  }

  async #read(snapshot: Snapshot, keys: readonly string[] | 'all'): Promise<Found> {
    const { db, limits } = this.#world;
    const options = { snapshot, timeoutMs: limits.timeoutMs };
    if (keys === 'all') {
      const entries = new Map(await db.iterator(options).all());
      const absent = PLAIN_KEYS.filter((key) => !entries.has(key)).map((key) => [key, undefined] as const);
      return [...entries, ...absent];
    }
    if (keys.length === 1) return [[keys[0]!, (await db.read(keys[0]!, options))?.value]];
    const values = await db.getMany([...keys], options);
    return keys.map((key, place) => [key, values[place]] as const);
  }
}
