import { type Simulation, simulate } from '@holdfast/sim';
import { expect, test } from 'vitest';
import { HoldfastError, type Lease } from '../../src/index.ts';
import { freezeSome } from '../support/freezes.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const SEEDS = Array.from({ length: isLong ? 300 : 2 }, (_, place) => place + 1);
const HOSTS = ['a', 'b', 'c'];
/** Never frozen. */
const WATCHER = 'watcher';
const TTL_MS = 500;
const FAULTS = { kill: 0.4, isolatePrimary: 0.4, freeze: 0.3, switchover: 0.2, loss: 0.2 };
const FAULTS_MS = isLong ? 12_000 : 5000;

interface Tally {
  leases: number;
  lost: number;
  detached: number;
  unknown: number;
  deletes: number;
}

/** Owners stand still; primaries die, stand still and are cut off; strangers write some of the keys. G21. */
async function own(simulation: Simulation): Promise<Tally> {
  const { client, cluster, clock, random, seams } = simulation;
  const tally: Tally = { leases: 0, lost: 0, detached: 0, unknown: 0, deletes: 0 };
  const leases = new Map<string, Lease>();
  /** Whose delete is no sign of an end. */
  const touched = new Set<string>();
  const watcher = client({ host: WATCHER });
  const events = watcher.watch();
  let isOver = false;
  const sleep = (host: string, ms: number): Promise<void> =>
    new Promise((resolve) => void seams(host).clock.setTimer(ms, resolve));
  const tried = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (error.outcome === 'unknown') tally.unknown += 1;
    }
  };

  const owner = async (host: string): Promise<void> => {
    const db = client({ host, timeoutMs: 600 });
    for (let number = 1; !isOver; number += 1) {
      await tried(async () => {
        const name = `${host}${number}`;
        const lease = await db.lease({ ttlMs: TTL_MS, onDetached: () => (tally.detached += 1) });
        leases.set(name, lease);
        tally.leases += 1;
        const endAt = clock.now() + random.integer(200, 3000);
        for (let key = 1; lease.held && clock.now() < endAt && !isOver; key += 1) {
          await tried(() => lease.put(`${name}/${random.integer(1, 5)}`, `${key}`));
          await sleep(host, random.integer(0, 200));
        }
        if (lease.signal.aborted) tally.lost += 1;
        // Some are forgotten while they are held, as by a process that goes on.
        if (random.integer(0, 3) > 0) await lease.revoke();
      });
    }
  };
  const stranger = async (): Promise<void> => {
    while (!isOver) {
      await clock.sleep(random.integer(50, 300));
      const name = [...leases.keys()].at(-random.integer(1, 3));
      const key = `${name}/${random.integer(1, 5)}`;
      if (name === undefined) continue;
      touched.add(key);
      await tried(() => (random.integer(0, 1) === 0 ? watcher.del(key) : watcher.put(key, 'stranger')));
    }
  };
  const watch = async (): Promise<void> => {
    for await (const event of events) {
      if (event.type !== 'del' || touched.has(event.key)) continue;
      tally.deletes += 1;
      const lease = leases.get(event.key.split('/')[0] as string);
      expect(lease?.held, `${event.key} went while its lease was held`).not.toBe(true);
    }
  };
  const watching = watch();
  const all = [
    ...HOSTS.map(owner),
    stranger(),
    freezeSome(simulation, { hosts: HOSTS, isOver: () => isOver }),
  ];
  await clock.sleep(FAULTS_MS);
  isOver = true;
  await cluster.recover();
  await clock.sleep(2000);
  for (const host of HOSTS) cluster.thaw(host);
  await Promise.all(all);
  // What is held has all its keys, and there are no others but those of strangers.
  await clock.sleep(TTL_MS * 3);
  const there = new Map<string, number>();
  for await (const [key, value] of watcher.iterator()) {
    const name = key.split('/')[0] as string;
    if (value !== 'stranger') there.set(name, (there.get(name) ?? 0) + 1);
  }
  for (const [name, lease] of leases) {
    const count = there.get(name) ?? 0;
    expect(count, `keys of ${name}, ${lease.held ? '' : 'not '}held`).toBe(lease.held ? lease.keys : 0);
  }
  await events.close();
  await watching;
  return tally;
}

test.each(SEEDS)('no key goes before its lease, and none stays behind, seed %i', async (seed) => {
  const hosts = [...HOSTS, WATCHER];
  const { result } = await simulate({ seed, hosts, faults: FAULTS, limitMs: 60_000 }, own);
  expect(result.leases).toBeGreaterThan(5);
  expect(result.deletes).toBeGreaterThan(5);
  console.log(JSON.stringify(result));
});
