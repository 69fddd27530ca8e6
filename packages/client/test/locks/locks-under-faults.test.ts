import { type Simulation, simulate } from '@holdfast/sim';
import { expect, test } from 'vitest';
import { FencedResource } from '../../../../test/support/locks/fenced-resource.ts';
import { HoldfastError, type Lock } from '../../src/index.ts';
import { freezeSome } from '../support/freezes.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const SEEDS = Array.from({ length: isLong ? 300 : 2 }, (_, place) => place + 1);
const HOSTS = ['a', 'b', 'c', 'd'];
const TTL_MS = 400;
const FAULTS = { kill: 0.4, isolatePrimary: 0.4, freeze: 0.3, switchover: 0.2, loss: 0.2 };
const FAULTS_MS = isLong ? 12_000 : 6000;

interface Tally {
  readonly resource: FencedResource;
  /** Of all who got the lock, in that order. */
  readonly tokens: number[];
  readonly holdings: Map<string, number>;
  lost: number;
}

/** Holders stand still, with what they have sent on its way; primaries die, stand still and are cut off. */
async function fight(simulation: Simulation): Promise<Tally> {
  const { client, cluster, clock, random, seams } = simulation;
  const tally: Tally = { resource: new FencedResource(), tokens: [], holdings: new Map(), lost: 0 };
  const held = new Set<Lock>();
  let isOver = false;
  const sleep = (host: string, ms: number): Promise<void> =>
    new Promise((resolve) => void seams(host).clock.setTimer(ms, resolve));

  const onGot = (host: string, lock: Lock): void => {
    for (const other of held) expect(other.held, 'one at a time').toBe(false);
    expect(lock.token, 'tokens grow').toBeGreaterThan(tally.tokens.at(-1) ?? 0);
    held.add(lock);
    tally.tokens.push(lock.token);
    tally.holdings.set(host, (tally.holdings.get(host) ?? 0) + 1);
  };
  const work = async (host: string, lock: Lock): Promise<void> => {
    const { token } = lock;
    for (let count = random.integer(1, 6); count > 0 && lock.held; count -= 1) {
      // It may stand still between the look and the sending, and the network takes its time.
      const delayMs = random.integer(0, 3) === 0 ? random.integer(100, 1500) : random.integer(0, 20);
      clock.setTimer(delayMs, () => void tally.resource.write({ token, writer: host }));
      await sleep(host, random.integer(0, 150));
    }
  };
  const contend = async (host: string): Promise<void> => {
    const db = client({ host, timeoutMs: 600 });
    while (!isOver) {
      try {
        const isPatient = random.integer(0, 4) > 0;
        const lock = isPatient
          ? await db.lock('job', { ttlMs: TTL_MS, timeoutMs: random.integer(200, 5000) })
          : await db.tryLock('job', { ttlMs: TTL_MS });
        if (lock === undefined) await sleep(host, random.integer(0, 100));
        else {
          onGot(host, lock);
          await work(host, lock);
          if (lock.signal.aborted) tally.lost += 1;
          // Some forget it: it is renewed until their process dies, or here is given up a while later.
          if (random.integer(0, 9) === 0) await sleep(host, TTL_MS * 2);
          await lock.release();
          held.delete(lock);
        }
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
      }
    }
  };
  const all = [...HOSTS.map(contend), freezeSome(simulation, { hosts: HOSTS, isOver: () => isOver })];
  await clock.sleep(FAULTS_MS);
  await cluster.recover();
  const before = tally.tokens.length;
  await cluster.until('the lock changes hands again', () => tally.tokens.length > before + 3);
  isOver = true;
  await clock.sleep(2000);
  for (const host of HOSTS) cluster.thaw(host);
  await Promise.all(all);
  return tally;
}

test.each(SEEDS)('no two holders write in turns, and tokens only grow, seed %i', async (seed) => {
  const { result } = await simulate({ seed, hosts: HOSTS, faults: FAULTS, limitMs: 60_000 }, fight);
  const { resource, tokens, holdings, lost } = result;
  expect(resource.interleaved).toEqual([]);
  expect(holdings.size).toBe(HOSTS.length);
  console.log(
    `${tokens.length} holdings, ${lost} lost; ${resource.accepted.length} writes, ${resource.refused} refused`,
  );
});
