import type { NodeId, Term } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { pairsOf } from '../src/faults/mesh.ts';
import { FaultBench } from './faults/support.ts';

/**
 * Partial networks in which protocols like this one came to a stand, or elected for ever: the etcd outage at Cloudflare of
 * 2020 (fault 10), and those of the Omni-Paxos paper (fault 11). Places in a shape are letters; who is the primary when the
 * links are cut is at the place named.
 */
interface Shape {
  readonly links: readonly string[];
  readonly primary: string;
  /** Terms that may pass in all the time that the shape lasts. */
  readonly termsMax: number;
}

const MESH = ['ab', 'ac', 'bc', 'db', 'ec'];
const STAR = ['ba', 'bc', 'bd', 'be'];
const CHAIN = ['ab', 'bc', 'cd', 'de'];

const GOES_ON: readonly [name: string, shape: Shape][] = [
  ['three of five meshed, its primary in the mesh', { links: MESH, primary: 'a', termsMax: 0 }],
  ['three of five meshed, its primary heard by one outside', { links: MESH, primary: 'b', termsMax: 0 }],
  ['three of five meshed, its primary outside', { links: MESH, primary: 'd', termsMax: 2 }],
  ['quorum loss: all reach one alone, and it is not the primary', { links: STAR, primary: 'a', termsMax: 2 }],
  ['all reach one alone, the primary', { links: STAR, primary: 'b', termsMax: 0 }],
  ['a chain of three, its primary at an end', { links: ['ab', 'bc'], primary: 'a', termsMax: 0 }],
  ['a chain of three, its primary amid', { links: ['ab', 'bc'], primary: 'b', termsMax: 0 }],
  ['a chain of five, its primary at an end', { links: CHAIN, primary: 'a', termsMax: 2 }],
  ['a chain of five, its primary next to an end', { links: CHAIN, primary: 'b', termsMax: 0 }],
  ['a chain of five, its primary amid', { links: CHAIN, primary: 'c', termsMax: 0 }],
];

const SEEDS = [1, 2, 3];
/** Until another has taken over, of election timeouts: the old one finds out, and the first to stand may not win. */
const TAKEOVER_TIMEOUTS = 4;
/** How long a shape lasts. */
const LASTS_TIMEOUTS = 25;
const LONG_MS = 600_000;

/** Each place with its node. */
function placed(bench: FaultBench, { links, primary }: Shape): Map<string, NodeId> {
  const others = bench.cluster.machines.filter((machine) => machine !== bench.cluster.primary);
  const places = [...new Set(links.join(''))].sort();
  const next = (place: string): NodeId => (place === primary ? bench.cluster.primary! : others.pop()!).id;
  return new Map(places.map((place) => [place, next(place)]));
}

function cut(bench: FaultBench, links: readonly string[], at: ReadonlyMap<string, NodeId>): void {
  const isLinked = (pair: readonly string[]): boolean =>
    links.some((link) => pair.every((node) => [...link].some((place) => at.get(place) === node)));
  const pairs = pairsOf(bench.cluster.machines.map(({ id }) => id));
  bench.inflict({ kind: 'mesh', cut: pairs.filter((pair) => !isLinked(pair)), forMs: LONG_MS });
}

function newestTerm({ cluster }: FaultBench): Term {
  return Math.max(...cluster.machines.map(({ node }) => node?.status().term ?? 0)) as Term;
}

function timeoutMs({ cluster }: FaultBench): number {
  return cluster.machines[0]!.config.timing.electionTimeoutMs;
}

describe.each(GOES_ON)('%s', (_name, shape) => {
  it.each(SEEDS)('goes on, in hardly a term more, and loses nothing: seed %i', async (seed) => {
    const bench = await FaultBench.formed(new Set(shape.links.join('')).size, seed);
    const { clock, network } = bench.cluster;
    await bench.write(3);
    const former = bench.cluster.primary;
    const term = newestTerm(bench);
    const since = clock.now();
    cut(bench, shape.links, placed(bench, shape));
    await clock.advance(timeoutMs(bench));
    await bench.write(1);
    expect(clock.now() - since).toBeLessThan(TAKEOVER_TIMEOUTS * timeoutMs(bench));
    const took = bench.cluster.primary;
    if (shape.termsMax === 0) expect(took).toBe(former);
    while (clock.now() - since < LASTS_TIMEOUTS * timeoutMs(bench)) {
      await bench.write(1);
      await clock.advance(timeoutMs(bench) / 4);
    }
    expect(bench.cluster.primary).toBe(took);
    expect(newestTerm(bench) - term).toBeLessThanOrEqual(shape.termsMax);
    network.healAll();
    await bench.level();
    expect(bench.cluster.primary).toBe(took);
    await bench.readsAll();
  });
});

describe('constrained election: who alone reaches a majority lacks what is committed', () => {
  it.each(SEEDS)('waits, raises no term, and goes on with one more link: seed %i', async (seed) => {
    const bench = await FaultBench.formed(5, seed);
    const { clock, network } = bench.cluster;
    await bench.write(3);
    const at = placed(bench, { links: STAR, primary: 'a', termsMax: 0 });
    const behind = at.get('b')!;
    for (const { id } of bench.cluster.machines) if (id !== behind) network.cut(behind, id);
    await bench.write(3);
    const term = newestTerm(bench);
    // What it had sent while it was cut off is lost with it.
    bench.cluster.primary!.powerOff({ keep: 'synced' });
    network.healAll();
    cut(bench, STAR, at);
    await clock.advance(LASTS_TIMEOUTS * timeoutMs(bench));
    expect(bench.cluster.primary).toBe(undefined);
    expect(newestTerm(bench) - term).toBeLessThanOrEqual(1);
    const since = clock.now();
    network.heal(at.get('c')!, at.get('d')!);
    await bench.write(1);
    expect(clock.now() - since).toBeLessThan(TAKEOVER_TIMEOUTS * timeoutMs(bench));
    expect([at.get('c'), at.get('d')]).toContain(bench.cluster.primary!.id);
    network.healAll();
    bench.cluster.startAll();
    await bench.level();
    await bench.readsAll();
  });
});
