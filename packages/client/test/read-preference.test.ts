import { beforeEach, expect, test } from 'vitest';
import type { Holdfast, HoldfastReadOptions } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  world.cluster.standbysAsk = true;
  db = await world.opened();
  await world.drive(db.put('a', '1'));
});

/** Who serves so many reads, in turn. */
async function served(options: HoldfastReadOptions<string, string>, reads = 4): Promise<string[]> {
  const nodes: string[] = [];
  for (let read = 0; read < reads; read += 1) {
    const answer = await world.drive(db.read('a', options));
    expect(answer?.value).toBe('1');
    nodes.push(answer!.servedBy!);
  }
  return nodes;
}

test.each(['linearizable', 'session', 'eventual'] as const)(
  'the primary by default; standbys, in turns, where asked for: %s',
  async (consistency) => {
    expect(await served({ consistency })).toEqual(['n1', 'n1', 'n1', 'n1']);
    const nodes = await served({ consistency, readPreference: 'standby' });
    expect(nodes.toSorted()).toEqual(['n2', 'n2', 'n3', 'n3']);
    expect(new Set(await served({ consistency, readPreference: 'nearest' }, 6)).size).toBe(3);
  },
);

test('ranges and snapshots go there as well', async () => {
  const before = world.cluster.node('n1').received.length;
  await world.drive(db.iterator({ readPreference: 'standby', consistency: 'eventual' }).all());
  const snapshot = db.snapshot({ readPreference: 'standby', consistency: 'eventual' } as never);
  expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
  await world.drive(snapshot.close());
  expect(world.cluster.node('n1').received.length).toBe(before);
});

test('a database and a sublevel may prefer for all their reads', async () => {
  db = await world.opened({ readPreference: 'standby' });
  expect(await served({})).not.toContain('n1');
  expect((await world.drive(db.sublevel('s').read('b'))) ?? 'none').toBe('none');
  expect(await served({ readPreference: 'primary' }, 1)).toEqual(['n1']);
});

test('where those asked first are too old, all others are asked before that is told', async () => {
  const { cluster } = world;
  cluster.ageMsOf = () => 100;
  for (const readPreference of ['primary', 'standby', 'nearest'] as const) {
    const options = { consistency: 'eventual', maxStalenessMs: 50, readPreference } as const;
    expect(await served(options)).toEqual(['n1', 'n1', 'n1', 'n1']);
  }
  // A primary that is cut off from the others is not as fresh as it was, either.
  cluster.onRead = ({ id }) => (id === 'n3' ? undefined : wireError('HOLDFAST_TOO_STALE'));
  expect(await served({ consistency: 'eventual', maxStalenessMs: 200 })).toEqual(['n3', 'n3', 'n3', 'n3']);
  cluster.onRead = () => wireError('HOLDFAST_TOO_STALE');
  const asked = cluster.nodes.map(({ requests }) => requests);
  const none = await world.timed(db.read('a', { consistency: 'eventual', maxStalenessMs: 200 }));
  expect(none.error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
  expect(cluster.nodes.map(({ requests }, place) => requests - asked[place]!)).toEqual([1, 1, 1]);
});

test.each([
  'HOLDFAST_NOT_READY',
  'HOLDFAST_NO_PRIMARY',
  'HOLDFAST_NOT_PRIMARY',
  'HOLDFAST_DISK_WENT_BACK',
] as const)('where no standby can answer the primary does, whoever is preferred: %s', async (code) => {
  const { cluster } = world;
  cluster.onRead = ({ id }) => (id === 'n1' ? undefined : wireError(code, { retryable: true }));
  cluster.onScan = ({ id }) => (id === 'n1' ? undefined : wireError(code, { retryable: true }));
  for (const consistency of ['linearizable', 'session', 'eventual'] as const)
    for (const readPreference of ['standby', 'nearest'] as const) {
      const options = { consistency, readPreference, timeoutMs: 100 };
      expect(await served(options)).toEqual(['n1', 'n1', 'n1', 'n1']);
      expect(await world.drive(db.iterator(options).all())).toEqual([['a', '1']]);
    }
});

test('a node that is out of its cluster is not asked again while there are others', async () => {
  const { cluster } = world;
  let isOut = true;
  cluster.onRead = ({ id }) =>
    id === 'n1' || !isOut ? undefined : wireError('HOLDFAST_DISK_WENT_BACK', { retryable: true });
  const options = { consistency: 'eventual', readPreference: 'standby' } as const;
  // More than the budget for repeats would pay for.
  expect(new Set(await served(options, 200))).toEqual(new Set(['n1']));
  expect(cluster.node('n2').requests + cluster.node('n3').requests).toBe(2);
  expect(db.health()?.counters.retriesHeld).toBe(0);
  // It has to be started again for another verdict, and is met anew.
  isOut = false;
  world.kill('n2');
  await world.clock.advance(1);
  await cluster.node('n2').start();
  await world.clock.advance(2000);
  expect(await served(options)).toEqual(['n2', 'n2', 'n2', 'n2']);
});

test('what standbys cannot answer costs nothing, however much of it the primary is asked after them', async () => {
  const { cluster } = world;
  const standby = { consistency: 'eventual', readPreference: 'standby', timeoutMs: 500 } as const;
  cluster.ageMsOf = () => 100;
  expect(new Set(await served({ ...standby, maxStalenessMs: 50 }, 200))).toEqual(new Set(['n1']));
  const notReady = ({ id }: { id: string }) => (id === 'n1' ? undefined : wireError('HOLDFAST_NOT_READY'));
  cluster.onRead = notReady;
  cluster.onScan = notReady;
  expect(new Set(await served(standby, 200))).toEqual(new Set(['n1']));
  for (let scan = 0; scan < 200; scan += 1)
    expect(await world.drive(db.iterator(standby).all())).toEqual([['a', '1']]);
  expect(db.health()?.counters).toMatchObject({ retriesHeld: 0, failed: 0 });
});

test('a node that is out of its cluster has no say in whether all others are too old', async () => {
  const { cluster } = world;
  cluster.onRead = ({ id }) =>
    id === 'n3' ? wireError('HOLDFAST_NODE_REPLACED', { retryable: true }) : wireError('HOLDFAST_TOO_STALE');
  const tooStale = async (): Promise<void> => {
    const { ms, error } = await world.timed(db.get('a', { consistency: 'eventual', maxStalenessMs: 5 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect(ms).toBeLessThan(100);
  };
  await tooStale();
  const asked = cluster.node('n3').requests;
  await tooStale();
  expect(cluster.node('n3').requests).toBe(asked);
});

test('nor is it asked while those that are not ready can be asked again', async () => {
  const { cluster } = world;
  const asked: string[] = [];
  cluster.onRead = ({ id }) => {
    asked.push(id);
    return id === 'n3'
      ? wireError('HOLDFAST_NODE_REPLACED', { retryable: true })
      : wireError('HOLDFAST_NOT_READY');
  };
  const { error } = await world.timed(db.get('a', { consistency: 'eventual', timeoutMs: 500 }));
  expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
  expect(asked.slice(0, 3)).toEqual(['n1', 'n2', 'n3']);
  expect(new Set(asked.slice(3))).toEqual(new Set(['n1', 'n2']));
});

test('the nearest are those with the shortest round trip, as long as they are heard', async () => {
  world.network.setLatency('app', 'n1', 20);
  db = await world.opened();
  await world.clock.advance(100);
  const options = { consistency: 'eventual', readPreference: 'nearest' } as const;
  expect((await served(options)).toSorted()).toEqual(['n2', 'n2', 'n3', 'n3']);
  world.cluster.node('n2').freeze();
  // One of them waits for the frozen node until its silence is noticed, then all go to the other.
  await served(options, 2);
  expect(await served(options)).toEqual(['n3', 'n3', 'n3', 'n3']);
});

test('without a standby, or without a primary, whoever is there answers', async () => {
  const alone = await world.opened({}, ['ws://n1:7100']);
  world.kill('n2');
  world.kill('n3');
  await world.clock.advance(50);
  expect((await world.drive(alone.read('a', { readPreference: 'standby' })))?.servedBy).toBe('n1');
  world = await World.start();
  db = await world.opened();
  await world.drive(db.put('a', '1'));
  world.cluster.elect(undefined);
  await world.clock.advance(10);
  expect(await served({ consistency: 'eventual', readPreference: 'standby' }, 1)).toHaveLength(1);
});
