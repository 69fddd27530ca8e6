import { type HoldfastError, LIMITS } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import { Holdfast } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});

describe('calls on a sound cluster', () => {
  test('abstract-level methods keep their results', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    expect(await world.drive(db.get('a'))).toBe('1');
    await world.drive(
      db.batch([
        { type: 'put', key: 'b', value: '2' },
        { type: 'del', key: 'a' },
      ]),
    );
    expect(await world.drive(db.getMany(['a', 'b']))).toEqual([undefined, '2']);
    expect(await world.drive(db.hasMany(['a', 'b']))).toEqual([false, true]);
    await world.drive(db.del('b'));
    expect(await world.drive(db.get('b'))).toBeUndefined();
  });

  test('write and read tell revision, level, copies, age and node', async () => {
    const db = await world.opened();
    const written = await world.drive(db.write([{ type: 'put', key: 'a', value: '1' }], { ack: 'all' }));
    expect(written).toEqual({ revision: 1, term: 1, ack: 'all', copies: 3, repeated: false });
    expect(await world.drive(db.read('a'))).toEqual({
      value: '1',
      revision: 1,
      staleness: 0,
      servedBy: 'n1',
    });
    expect(await world.drive(db.read('missing'))).toBeUndefined();
    expect(db.token()).toBe(1);
    expect(db.topology()?.primary).toBe('n1');
  });

  test('conditions: absent, revision, several keys; a conflict tells the current revision', async () => {
    const db = await world.opened();
    const put = (value: string) => [{ type: 'put', key: 'a', value } as const];
    const { revision } = await world.drive(db.write(put('1'), { ifAbsent: true }));
    await world.drive(db.write(put('2'), { ifRevision: revision }));
    const { error } = await world.timed(db.write(put('3'), { ifRevision: revision }));
    expect(error).toMatchObject({ code: 'HOLDFAST_CONFLICT', outcome: 'not-applied', detail: revision + 1 });
    const both = db.write(put('4'), {
      conditions: [
        { key: 'a', revision: revision + 1 },
        { key: 'b', revision: 0 },
      ],
    });
    await world.drive(both);
    expect(await world.drive(db.get('a'))).toBe('4');
  });

  test('increments count, and refuse what is no integer', async () => {
    const db = await world.opened();
    expect(await world.drive(db.increment('n'))).toMatchObject({ value: 1 });
    expect(await world.drive(db.increment('n', -3))).toMatchObject({ value: -2 });
    expect(await world.drive(db.get('n'))).toBe('-2');
    await world.drive(db.put('n', 'word'));
    expect((await world.timed(db.increment('n'))).error).toMatchObject({ code: 'HOLDFAST_NOT_AN_INTEGER' });
  });

  test('what is issued in one turn travels in one frame', async () => {
    const db = await world.opened();
    await world.drive(db.put('first', 'opens the session'));
    const before = world.cluster.node('n1').frames;
    const calls = Array.from({ length: 100 }, (_, number) => db.put(`k${number}`, 'v'));
    await world.drive(Promise.all([...calls, db.get('k0'), db.has('k1')]));
    expect(world.cluster.node('n1').frames - before).toBe(1);
  });

  test('calls that answers set free travel in one frame, too', async () => {
    const db = await world.opened();
    await world.drive(db.put('first', 'opens the session'));
    const before = world.cluster.node('n1').frames;
    const worker = async (name: number): Promise<void> => {
      for (let round = 0; round < 5; round += 1) await db.put(`${name}`, `${round}`);
    };
    await world.drive(Promise.all(Array.from({ length: 64 }, (_, name) => worker(name))));
    expect(world.cluster.node('n1').frames - before).toBe(5);
  });

  test('`all` writes have a session of their own', async () => {
    const db = await world.opened();
    await world.drive(Promise.all([db.put('a', '1'), db.put('b', '2', { ack: 'all' })]));
    expect(world.cluster.state.sessions).toBe(2);
    await world.drive(db.close());
    await world.clock.advance(10);
    expect(world.cluster.state.sessions).toBe(0);
  });

  test('the nodes’ default level holds for who names none, and `local` reads at session', async () => {
    world.cluster.defaultAck = 'local';
    const db = await world.opened();
    const acks: string[] = [];
    const consistencies: string[] = [];
    world.cluster.onWrite = (_, { ack }) => void acks.push(ack) as undefined;
    world.cluster.onRead = (_, { consistency }) => void consistencies.push(consistency) as undefined;
    await world.drive(db.put('a', '1'));
    await world.drive(db.put('a', '1', { ack: 'quorum' }));
    await world.drive(db.get('a'));
    await world.drive(db.get('a', { consistency: 'linearizable' }));
    expect(acks).toEqual(['local', 'quorum']);
    expect(consistencies).toEqual(['session', 'linearizable']);
  });
});

describe('arguments', () => {
  test.each([
    ['an unknown level', (db: Holdfast) => db.put('a', '1', { ack: 'some' as never })],
    ['an unknown consistency', (db: Holdfast) => db.get('a', { consistency: 'strong' as never })],
    ['an unknown preference', (db: Holdfast) => db.get('a', { readPreference: 'second' as never })],
    ['a time that is none', (db: Holdfast) => db.get('a', { timeoutMs: -1 })],
    ['a signal that is none', (db: Holdfast) => db.put('a', '1', { signal: {} as never })],
    ['no operations', (db: Holdfast) => db.write([])],
    ['half an increment', (db: Holdfast) => db.increment('a', 0.5)],
    [
      'ifRevision for two keys',
      (db: Holdfast) =>
        db.write(
          [
            { type: 'del', key: 'a' },
            { type: 'del', key: 'b' },
          ],
          { ifRevision: 1 },
        ),
    ],
  ])('%s is refused at once', async (_, call) => {
    const db = await world.opened();
    const sent = world.cluster.node('n1').frames;
    const { error } = await world.timed(call(db));
    expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT', outcome: 'not-applied' });
    expect(world.cluster.node('n1').frames).toBe(sent);
  });

  test.each([7, null, ['a'], 'é'.repeat(129)])('a name that no node would take is refused: %.9s', (name) => {
    expect(() => new Holdfast('ws://n1:7101', { name: name as never })).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
  });

  test('what is too large is refused at once', async () => {
    const db = await world.opened();
    const large = 'x'.repeat(LIMITS.keyBytesMax + 1);
    expect((await world.timed(db.put(large, '1'))).error).toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
    expect((await world.timed(db.get(large))).error).toMatchObject({ code: 'HOLDFAST_KEY_TOO_LARGE' });
    const tooMuch = { code: 'HOLDFAST_REQUEST_TOO_LARGE' };
    const keys = Array.from({ length: 2049 }, () => 'k'.repeat(4096));
    expect((await world.timed(db.getMany(keys))).error).toMatchObject(tooMuch);
    const gte = 'k'.repeat(2 ** 23 + 1);
    expect((await world.timed(db.keys({ gte }).next())).error).toMatchObject(tooMuch);
    expect((await world.timed(db.watch({ gte }).next())).error).toMatchObject(tooMuch);
    const iterator = db.keys();
    expect(() => iterator.seek(gte)).toThrow(expect.objectContaining(tooMuch));
    await world.drive(iterator.close());
    expect(world.cluster.nodes.map(({ connections }) => connections)).toEqual([1, 1, 1]);
    const value = 'x'.repeat(LIMITS.valueBytesMax + 1);
    expect((await world.timed(db.put('a', value))).error).toMatchObject({ code: 'HOLDFAST_VALUE_TOO_LARGE' });
  });
});

describe('failover', () => {
  test('a killed primary: what is unanswered goes to the new one as soon as it is announced, once each', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    world.cluster.onWrite = (node) => (node.id === 'n1' ? 'executeAndDrop' : undefined);
    const calls = Array.from({ length: 20 }, (_, number) => db.increment(`k${number}`));
    await world.clock.advance(20);
    world.kill('n1');
    await world.clock.advance(30);
    const start = world.clock.now();
    world.cluster.elect('n2');
    const results = await world.drive(Promise.all(calls));
    expect(results.map(({ value }) => value)).toEqual(calls.map(() => 1));
    // One way for the news, one round for the writes, and a tenth of the outage over which they are spread.
    expect(world.clock.now() - start).toBeLessThanOrEqual(5 + 6);
    expect(world.cluster.node('n2').requests).toBe(calls.length);
  });

  test('a hanging primary is not waited for once another is announced', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    world.cluster.node('n1').freeze();
    const call = db.put('a', '2');
    const read = db.get('a');
    const eventual = db.get('before', { consistency: 'eventual' });
    await world.clock.advance(300);
    world.cluster.elect('n3');
    const { ms } = await world.timed(Promise.all([call, read, eventual]));
    expect(ms).toBeLessThanOrEqual(5 + 31);
    expect(await world.drive(eventual)).toBe('1');
  });

  test('a silent node delays an eventual read by half a second at most', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    world.cluster.node('n1').freeze();
    const { ms, value } = await world.timed(db.get('a', { consistency: 'eventual' }));
    expect(value).toBe('1');
    expect(ms).toBeLessThan(600);
    expect((await world.timed(db.get('a', { consistency: 'eventual' }))).ms).toBeLessThan(10);
  });

  test('without a primary writes wait, sending nothing, and go when there is one', async () => {
    const db = await world.opened();
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const call = db.put('a', '1');
    await world.clock.advance(1000);
    expect(
      world.cluster.nodes.flatMap(({ received }) => received).filter(({ kind }) => kind === 'openSession'),
    ).toEqual([]);
    world.cluster.elect('n2');
    // And a tenth of the outage, over which they are spread.
    expect((await world.timed(call)).ms).toBeLessThan(20 + 101);
  });

  test('never sent until the deadline: NO_PRIMARY, not applied', async () => {
    const db = await world.opened();
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const calls = [() => db.put('a', '1', { timeoutMs: 200 }), () => db.get('a', { timeoutMs: 200 })];
    for (const call of calls) {
      const { error } = await world.timed(call());
      expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied', attempts: 0 });
    }
  });

  test('sent and unanswered until the deadline: unknown', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    world.cluster.onWrite = () => 'drop';
    const { ms, error } = await world.timed(db.put('a', '1', { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown', attempts: 1 });
    expect(ms).toBeLessThanOrEqual(320);
  });

  test('a node’s verdict at the deadline arrives before the client’s own', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    let remainingMs = 0;
    world.cluster.onWrite = (_, request) => {
      remainingMs = request.remainingMs;
      return wireError('HOLDFAST_ACK_NOT_REACHED', { detail: 2 });
    };
    const { error } = await world.timed(db.put('a', '1', { timeoutMs: 300 }));
    expect(remainingMs).toBeLessThanOrEqual(280);
    expect(error).toMatchObject({
      code: 'HOLDFAST_ACK_NOT_REACHED',
      outcome: 'applied',
      detail: 2,
      node: 'n1',
    });
  });

  test('refused for now: asked again after a pause, reported by its own code at the deadline', async () => {
    const db = await world.opened();
    let refusals = 0;
    world.cluster.onWrite = () => {
      refusals += 1;
      return wireError('HOLDFAST_DISK_FULL');
    };
    const { error } = await world.timed(db.put('a', '1', { timeoutMs: 500 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_DISK_FULL', outcome: 'not-applied' });
    expect(refusals).toBeGreaterThan(3);
    expect(refusals).toBeLessThan(20);
    world.cluster.onWrite = () => undefined;
    expect((await world.timed(db.put('a', '1'))).ms).toBeLessThan(200);
  });
});

describe('limits and endings', () => {
  test('beyond the bound calls fail at once', async () => {
    const db = await world.opened({ pendingCallsMax: 10 });
    world.cluster.elect(undefined);
    await world.clock.advance(10);
    const calls = Array.from({ length: 12 }, () => db.put('a', '1', { timeoutMs: 100 }));
    const results = Promise.allSettled(calls);
    const { ms, error } = await world.timed(calls[10] as Promise<void>);
    expect(error).toMatchObject({ code: 'HOLDFAST_CLIENT_QUEUE_FULL', outcome: 'not-applied' });
    expect(ms).toBeLessThan(1);
    expect((await world.drive(results)).filter(({ status }) => status === 'rejected')).toHaveLength(12);
    world.cluster.elect('n1');
    await world.drive(db.put('a', '1'));
  });

  test('an abort rejects at once and tells the outcome', async () => {
    const db = await world.opened();
    await world.drive(db.put('before', '1'));
    world.cluster.onWrite = () => 'drop';
    const abort = new AbortController();
    const sent = db.put('a', '1', { signal: abort.signal });
    await world.clock.advance(5);
    abort.abort(new Error('enough'));
    const { ms, error } = await world.timed(sent);
    expect(ms).toBe(0);
    expect(error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown', cause: new Error('enough') });
    const unsent = await world.timed(db.put('a', '1', { signal: abort.signal }));
    expect(unsent.error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'not-applied' });
    world.cluster.onWrite = () => undefined;
    await world.drive(db.put('a', '2'));
  });

  test('close lets pending calls end, then ends them; nothing stays behind', async () => {
    const db = await world.opened({ closeTimeoutMs: 100 });
    const quick = db.put('a', '1');
    await world.drive(db.close());
    await expect(quick).resolves.toBeUndefined();
    await world.drive(db.open());
    world.cluster.onWrite = () => 'drop';
    const stuck = db.put('a', '2');
    stuck.catch(() => undefined);
    const { ms } = await world.timed(db.close());
    expect(ms).toBeLessThan(350);
    await expect(stuck).rejects.toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
    await expect(db.get('a')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await expect(db.read('a')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await world.clock.advance(10);
    expect(world.cluster.nodes.map(({ connections }) => connections)).toEqual([0, 0, 0]);
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
  });

  test('no node answers: LEVEL_DATABASE_NOT_OPEN with the reason, and nothing stays behind', async () => {
    const db = world.client({ openTimeoutMs: 300 }, ['ws://nowhere:1']);
    const { ms, error } = await world.timed(db.open());
    expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'HOLDFAST_NO_PRIMARY' } });
    expect((error as Error & { cause: HoldfastError }).cause.message).toContain('ECONNREFUSED');
    expect(ms).toBeLessThan(600);
    await world.clock.advance(5000);
    expect(world.clock.timerCount).toBe(0);
  });

  test('one reachable node of the list is enough, and tells of the others', async () => {
    const db = await world.opened({}, ['ws://nowhere:1', 'ws://n3:7100']);
    await world.drive(db.put('a', '1'));
    expect(world.cluster.node('n1').connections).toBe(1);
  });

  test('a refusal that will last ends the opening at once', async () => {
    world.cluster.onHello = () => wireError('HOLDFAST_UNKNOWN_DATABASE');
    const { ms, error } = await world.timed(world.client().open());
    expect(error).toMatchObject({ cause: { code: 'HOLDFAST_UNKNOWN_DATABASE' } });
    expect(ms).toBeLessThan(100);
  });

  test('another protocol is a version mismatch', async () => {
    world.cluster.protocol = 99;
    const { error } = await world.timed(world.client().open());
    expect(error).toMatchObject({ cause: { code: 'HOLDFAST_VERSION_MISMATCH' } });
  });

  test('a client stays with its cluster', async () => {
    const db = await world.opened();
    world.cluster.clusterId = 'e'.repeat(32) as never;
    for (const id of ['n1', 'n2', 'n3']) world.network.drop('app', id);
    const { error } = await world.timed(db.put('a', '1', { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied' });
  });

  test('a node of another cluster in the list is left alone', async () => {
    const { cluster } = world;
    const welcome = cluster.welcome.bind(cluster);
    cluster.welcome = (node, hello) => {
      const honest = welcome(node, hello);
      return node.id === 'n1' || honest.kind !== 'welcome'
        ? honest
        : { ...honest, cluster: 'e'.repeat(32) as never };
    };
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    await world.clock.advance(50);
    expect(cluster.node('n1').connections).toBe(1);
    expect(cluster.node('n2').received.filter(({ kind }) => kind !== 'hello')).toEqual([]);
  });
});
