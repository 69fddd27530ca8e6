import { SimRandom } from '@holdfast/sim';
import { REVISION_GAP } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Divergence, Holdfast, WriteSummary } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

describe('sessions', () => {
  test('end with their client: opened again it begins anew, with the token from before if it is given that', async () => {
    const db = await world.opened({ consistency: 'session' });
    await world.drive(db.put('a', '1'));
    const after = db.token();
    await world.drive(db.close());
    expect(db.token()).toBe(after);
    await world.drive(db.open());
    expect(db.token()).toBe(0);
    expect(await world.drive(db.get('a', { after }))).toBe('1');
    expect(db.token()).toBe(after);
  });

  test('expired while idle: the next write opens another and succeeds', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.state.closeSession('1.1.0' as never);
    await world.drive(Promise.all([db.put('a', '2'), db.put('a', '3')]));
    expect(await world.drive(db.get('a'))).toBe('3');
  });

  test('expired under a write that may have happened: unknown', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.onWrite = (node) => (node.id === 'n1' ? 'executeAndDrop' : undefined);
    const call = db.put('a', '2');
    await world.clock.advance(10);
    world.cluster.state.closeSession('1.1.0' as never);
    world.kill('n1');
    world.cluster.elect('n2');
    expect((await world.timed(call)).error).toMatchObject({
      code: 'HOLDFAST_SESSION_EXPIRED',
      outcome: 'unknown',
    });
    await world.drive(db.put('a', '4'));
  });

  test('a lost revision: one event, one failed call, and the session goes on from what survived', async () => {
    const db = await world.opened({ consistency: 'session' });
    for (const value of ['1', '2', '3']) await world.drive(db.put('a', value));
    const told: unknown[] = [];
    db.on('diverged', (divergence) => told.push(divergence));
    world.cluster.onRead = (_, { token }) =>
      token > 1 ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: 1 }) : undefined;
    world.cluster.state.revision = 1 as never;
    const results = await world.drive(Promise.allSettled([db.get('a'), db.get('a'), db.get('a')]));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(told).toEqual([{ lost: 3, surviving: 1, receipts: [] }]);
    expect(db.token()).toBe(1);
  });

  test('what is lost of a database is told by its receipts, once', async () => {
    const seams = { transport: world.network.transport('app'), clock: world.clock, random: new SimRandom(1) };
    const opened = (namespace: string): Promise<Holdfast> => world.opened({ namespace, ack: 'local', seams });
    const [one, other, ended] = [await opened('one'), await opened('other'), await opened('ended')];
    const put = (db: Holdfast): Promise<WriteSummary> =>
      world.drive(db.write([{ type: 'put', key: 'a', value: '1' }]));
    await put(one);
    const [first, second, third] = [await put(one), await put(other), await put(one)];
    await put(ended);
    await world.drive(ended.close());
    expect(first).toMatchObject({ revision: 2, ack: 'local' });
    const told: [string, Divergence][] = [];
    one.on('diverged', (divergence) => told.push(['one', divergence]));
    other.on('diverged', (divergence) => told.push(['other', divergence]));
    const lose = async (surviving: number): Promise<void> => {
      world.cluster.onRead = (_, { token }) =>
        token > surviving ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: surviving }) : undefined;
      world.cluster.state.revision = surviving as never;
      await expect(world.drive(one.get('a'))).rejects.toMatchObject({ code: 'HOLDFAST_SESSION_DIVERGED' });
    };
    await lose(1);
    expect(told).toEqual([
      ['one', { lost: 5, surviving: 1, receipts: [first, third] }],
      ['other', { lost: 5, surviving: 1, receipts: [second] }],
    ]);
    // What was committed is no loss, nor is what was told before.
    const { revision } = await world.drive(one.write([{ type: 'put', key: 'a', value: '2' }]));
    await lose(1);
    expect(told.at(-2)?.[1]).toMatchObject({ lost: revision, surviving: 1, receipts: [{ revision }] });
    expect(told.at(-1)?.[1].receipts).toEqual([]);
  });

  test('a loss is told though a write of the new term was acknowledged before anything was read', async () => {
    const db = await world.opened({ consistency: 'session' });
    await world.drive(db.put('a', 'lost'));
    const lost = db.token();
    world.cluster.state.revision = (lost + REVISION_GAP) as never;
    await world.drive(db.put('b', '1'));
    const token = db.token();
    const told: unknown[] = [];
    db.on('diverged', (divergence) => told.push(divergence));
    world.cluster.onRead = (_, { token: asked }) =>
      asked <= lost ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: lost - 1 }) : undefined;
    const results = await world.drive(Promise.allSettled([db.get('a'), db.get('b')]));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(told).toEqual([{ lost, surviving: lost - 1, receipts: [] }]);
    expect(db.token()).toBe(token);
  });

  test('a loss is told though the receipt came when a write of the new term had been seen (G10)', async () => {
    const db = await world.opened({ consistency: 'session', ack: 'local' });
    await world.drive(db.put('a', 'kept'));
    const kept = db.token();
    world.network.setLatency('n1', 'app', 50);
    const writing = db.write([{ type: 'put', key: 'a', value: 'lost' }]);
    await world.clock.advance(5);
    const lost = kept + 1;
    world.cluster.state.revision = (kept + REVISION_GAP) as never;
    const told: unknown[] = [];
    db.on('diverged', (divergence) => told.push(divergence));
    world.cluster.onRead = (_, { token }) =>
      token === lost ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: kept }) : undefined;
    await world.drive(db.get('a', { consistency: 'eventual', readPreference: 'standby' }));
    const token = db.token();
    const receipt = await world.drive(writing);
    expect(receipt).toMatchObject({ revision: lost, ack: 'local' });
    world.network.setLatency('n1', 'app', 1);
    const results = [await world.timed(db.get('a')), await world.timed(db.get('a'))];
    expect(results[0]).toMatchObject({ error: { code: 'HOLDFAST_SESSION_DIVERGED' } });
    expect(results[1]?.error).toBeUndefined();
    expect(told).toEqual([{ lost, surviving: kept, receipts: [receipt] }]);
    expect(db.token()).toBe(token);
  });

  test('the loss of an older token that was handed over fails the read that names it, and nothing else', async () => {
    const db = await world.opened({ consistency: 'session' });
    await world.drive(db.put('a', 'before'));
    const handed = db.token();
    world.cluster.state.revision = (handed + REVISION_GAP) as never;
    const other = await world.opened({ consistency: 'session' });
    await world.drive(other.put('b', '1'));
    const token = other.token();
    const told: unknown[] = [];
    other.on('diverged', (divergence) => told.push(divergence));
    world.cluster.onRead = (_, { token: asked }) =>
      asked <= handed ? wireError('HOLDFAST_SESSION_DIVERGED', { detail: handed - 1 }) : undefined;
    const results = await world.drive(
      Promise.allSettled([other.get('a', { after: handed }), other.get('b')]),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(told).toEqual([]);
    expect(other.token()).toBe(token);
  });

  test('once it is known that nothing was lost, reads ask with what was seen last', async () => {
    const db = await world.opened({ consistency: 'session' });
    await world.drive(db.put('a', '1'));
    const old = db.token();
    world.cluster.state.revision = (old + REVISION_GAP) as never;
    await world.drive(db.put('a', '2'));
    const tokens: number[] = [];
    world.cluster.onRead = (_, { token }) => void tokens.push(token) as undefined;
    expect(await world.drive(db.get('a'))).toBe('2');
    expect(await world.drive(db.get('a'))).toBe('2');
    expect(tokens).toEqual([old, old + REVISION_GAP + 1, old + REVISION_GAP + 1]);
  });

  test('what was read under an older token is not taken, whatever revision it names (G10)', async () => {
    const db = await world.opened({ consistency: 'session' });
    await world.drive(db.put('a', '1'));
    const old = db.token();
    const behind = world.cluster.state.frozen();
    world.cluster.state.revision = (old + REVISION_GAP) as never;
    await world.drive(db.put('a', '2'));
    const { state } = world.cluster;
    // A batch is being written: its revision is named, and its effects are not there yet.
    behind.revision = state.revision;
    world.cluster.onRead = (_, { token }) => {
      world.cluster.state = token <= old ? behind : state;
      return undefined;
    };
    expect(await world.drive(db.get('a'))).toBe('2');
  });

  test('nor what was read under it and comes when the same node has been asked anew (G10)', async () => {
    const { cluster } = world;
    const db = await world.opened({ consistency: 'session', readPreference: 'standby' });
    await world.drive(db.put('a', '1'));
    const behind = cluster.state.frozen();
    cluster.state.revision = (db.token() + REVISION_GAP) as never;
    await world.drive(db.put('a', '2'));
    const { state } = cluster;
    const asked: string[] = [];
    cluster.onRead = ({ id }) => {
      asked.push(id);
      cluster.state = asked.length === 1 ? behind : state;
      // The second one says that nothing was lost, but not before the first is heard again.
      if (asked.length !== 2) return 'late';
      world.network.setLatency(id, 'app', 5);
      first().thaw();
      return undefined;
    };
    const first = () => cluster.node(asked[0]!);
    const read = db.get('a');
    await world.clock.advance(5);
    first().freeze();
    while (asked.length < 3) await world.clock.advance(1);
    expect(asked[2]).toBe(asked[0]);
    first().answerLate();
    expect(await world.drive(read)).toBe('2');
  });

  test('`after` is passed on, by whichever node reads', async () => {
    const db = await world.opened();
    const tokens: number[] = [];
    world.cluster.onRead = (_, { token }) => void tokens.push(token) as undefined;
    await world.drive(db.get('a', { consistency: 'session', after: 17 }));
    expect(tokens).toEqual([17]);
  });

  test('without a primary session and eventual reads are served by another node', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.kill('n1');
    await world.clock.advance(5);
    expect(await world.drive(db.read('a', { consistency: 'session' }))).toMatchObject({
      value: '1',
      staleness: 7,
    });
    expect((await world.drive(db.read('a', { consistency: 'eventual' })))?.servedBy).not.toBe('n1');
  });

  test('too stale here is asked elsewhere, and an error when nobody does better', async () => {
    const db = await world.opened();
    const asked: string[] = [];
    world.cluster.onRead = (node) => {
      asked.push(node.id);
      return asked.length < 3 ? wireError('HOLDFAST_TOO_STALE') : undefined;
    };
    await world.drive(db.get('a', { consistency: 'eventual', maxStalenessMs: 50 }));
    expect(asked).toEqual(['n1', 'n2', 'n3']);
    world.cluster.onRead = () => wireError('HOLDFAST_TOO_STALE');
    const { error } = await world.timed(db.get('a', { consistency: 'eventual', maxStalenessMs: 5 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_TOO_STALE', outcome: 'not-applied' });
  });
});
