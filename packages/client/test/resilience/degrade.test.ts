import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../../src/index.ts';
import { wireError } from '../support/fake-cluster.ts';
import { World } from '../support/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.start();
});

afterEach(() => {
  world.kill('app');
});

/** What `db` says of reads that came to less than was asked for. */
function degradedOf(db: Holdfast): object[] {
  const told: object[] = [];
  db.on('degraded', (detail) => told.push(detail));
  return told;
}

async function stored(options: Parameters<World['opened']>[0] = {}): Promise<Holdfast> {
  const db = await world.opened(options);
  await world.drive(db.put('a', '1'));
  return db;
}

/** No primary, and everybody has known for long. */
async function loseThePrimary(): Promise<void> {
  world.cluster.elect(undefined);
  await world.clock.advance(1200);
}

describe("degrade: 'stale-reads'", () => {
  test('an ordinary failover is not seen', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    const told = degradedOf(db);
    world.cluster.elect(undefined);
    const read = world.timed(db.read('a'));
    await world.clock.advance(900);
    world.cluster.elect('n2');
    expect((await read).value).toMatchObject({ value: '1', staleness: 0, servedBy: 'n2' });
    expect((await read).value).not.toHaveProperty('degraded');
    expect(told).toEqual([]);
  });

  test('of a key that is not there the age is told to who asks for it', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    const tellAbsent = true as const;
    const fresh = await world.drive(db.read('none', { tellAbsent }));
    expect(fresh).toEqual({ value: undefined, revision: 0, staleness: 0, servedBy: 'n1', ttlMs: undefined });
    world.cluster.elect(undefined);
    expect(await world.drive(db.read('none'))).toBeUndefined();
    const absent = { value: undefined, revision: 0, staleness: 7, degraded: 'stale-read' };
    expect(await world.drive(db.read('none', { tellAbsent }))).toMatchObject(absent);
    expect(await world.drive(db.sublevel('s').read('a', { tellAbsent }))).toMatchObject(absent);
    expect(await world.drive(db.read('a', { tellAbsent }))).toMatchObject({ value: '1', staleness: 7 });
    const options = { tellAbsent, consistency: 'linearizable' as const, timeoutMs: 100 };
    const helped = await world.drive(db.read('none', { ...options, fallback: () => undefined }));
    expect(helped).toMatchObject({ value: undefined, servedBy: undefined, degraded: 'fallback' });
    const wrong = await world.timed(db.read('a', { tellAbsent: 1 as never }));
    expect(wrong.error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
    // What it says is what a write can be made conditional on.
    world.cluster.elect('n2');
    await world.drive(db.write([{ type: 'put', key: 'none', value: '1' }], { ifRevision: fresh.revision }));
  });

  test('with no primary for a second reads come from standbys, and say so', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    const told = degradedOf(db);
    world.cluster.elect(undefined);
    const waiting = await world.timed(db.read('a'));
    expect(waiting.ms).toBeGreaterThanOrEqual(1000);
    expect(waiting.ms).toBeLessThan(1150);
    expect(waiting.value).toMatchObject({ value: '1', staleness: 7, degraded: 'stale-read' });
    const { ms, value } = await world.timed(db.read('a'));
    expect(ms).toBeLessThan(110);
    expect(value).toMatchObject({ degraded: 'stale-read', revision: expect.any(Number) });
    await world.clock.advance(100);
    const prompt = await world.timed(db.get('a'));
    expect(prompt.ms).toBeLessThan(10);
    expect(prompt.value).toBe('1');
    expect(await world.drive(db.getMany(['a', 'b']))).toEqual(['1', undefined]);
    expect(await world.drive(db.has('a'))).toBe(true);
    expect(await world.drive(db.iterator().all())).toEqual([['a', '1']]);
    await using snapshot = db.snapshot();
    expect(await world.drive(db.get('a', { snapshot }))).toBe('1');
    expect(told).toHaveLength(7);
    for (const detail of told)
      expect(detail).toMatchObject({
        kind: 'stale-read',
        staleness: 7,
        servedBy: expect.stringMatching(/^n/),
      });
    expect(db.health()?.counters).toMatchObject({ staleReads: 7, failed: 0 });
  });

  test('is over as soon as there is a primary', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    await loseThePrimary();
    await world.drive(db.get('a'));
    world.cluster.elect('n3');
    await world.clock.advance(200);
    expect(await world.drive(db.read('a'))).toMatchObject({ servedBy: 'n3', staleness: 0 });
    expect(db.health()?.counters.staleReads).toBe(1);
  });

  test('a call that names its consistency has what it names, unless it says otherwise', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    await loseThePrimary();
    const options = { consistency: 'linearizable', timeoutMs: 2000 } as const;
    expect((await world.timed(db.get('a', options))).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    expect((await world.timed(db.get('a', { degrade: 'none', timeoutMs: 2000 }))).error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
    });
    const { value } = await world.timed(db.read('a', { ...options, degrade: 'stale-reads' }));
    expect(value).toMatchObject({ degraded: 'stale-read' });
  });

  test('what decides about writes never degrades', async () => {
    const db = await stored({ degrade: 'stale-reads', timeoutMs: 2000 });
    await loseThePrimary();
    for (const call of [() => db.update('a', () => '2'), () => db.clear()])
      expect((await world.timed(call())).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    expect((await world.timed(db.clear({ degrade: 'stale-reads' } as never))).error).toMatchObject({
      code: 'HOLDFAST_INVALID_ARGUMENT',
    });
    expect(db.health()?.counters.staleReads).toBe(0);
  });

  test('where all who are trusted are too old it ends with that, and asks each once', async () => {
    const db = await stored({ degrade: 'stale-reads', maxStalenessMs: 500 });
    const { cluster } = world;
    cluster.ageMsOf = () => 600;
    cluster.node('n1').freeze();
    const asked: string[] = [];
    let budget = 0;
    // It may have been asked of them as a linearizable one before.
    cluster.onRead = ({ id }, { consistency }) => {
      if (consistency !== 'eventual') return undefined;
      if (asked.length === 0) budget = db.health()?.retryBudget ?? 0;
      asked.push(id);
      return undefined;
    };
    const { ms, error } = await world.timed(db.read('a'));
    expect(error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect(ms).toBeLessThan(1500);
    expect(asked.sort()).toEqual(['n2', 'n3']);
    expect(db.health()?.retryBudget).toBeGreaterThan(budget - 5);
  });

  test('the bound on the age is kept, by whoever can', async () => {
    const db = await stored({ degrade: 'stale-reads', maxStalenessMs: 500 });
    await loseThePrimary();
    world.cluster.ageMsOf = ({ id }) => (id === 'n3' ? 400 : 600);
    for (let round = 0; round < 6; round += 1)
      expect(await world.drive(db.read('a'))).toMatchObject({ servedBy: 'n3', staleness: 400 });
    world.cluster.ageMsOf = () => 600;
    const { ms, error } = await world.timed(db.get('a'));
    expect(error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect(ms).toBeLessThan(50);
    expect(await world.drive(db.read('a', { maxStalenessMs: 601 }))).toMatchObject({ staleness: 600 });
  });

  test('a session read has what a standby holds of it, and degrades if none does', async () => {
    const db = await stored({ degrade: 'stale-reads', consistency: 'session' });
    await loseThePrimary();
    const fresh = await world.drive(db.read('a'));
    expect(fresh).not.toHaveProperty('degraded');
    world.cluster.onRead = (_, { consistency }) =>
      consistency === 'session' ? wireError('HOLDFAST_NOT_PRIMARY') : undefined;
    expect(await world.drive(db.read('a'))).toMatchObject({ value: '1', degraded: 'stale-read' });
    const after = db.token();
    expect(await world.drive(db.read('a', { after }))).toMatchObject({ degraded: 'stale-read' });
  });

  test('a primary that never answers costs a read all but what it keeps for a standby', async () => {
    const db = await stored({ degrade: 'stale-reads', timeoutMs: 1000 });
    world.cluster.onRead = ({ id }) => (id === 'n1' ? 'drop' : undefined);
    const { ms, value } = await world.timed(db.read('a'));
    expect(value).toMatchObject({ value: '1', degraded: 'stale-read' });
    expect(ms).toBeGreaterThanOrEqual(750);
    expect(ms).toBeLessThan(800);
  });

  test('a late answer to what was asked first is not taken for one to what is asked now', async () => {
    const db = await stored({ degrade: 'stale-reads', timeoutMs: 1000 });
    world.cluster.standbysAsk = true;
    let dropped = 0;
    world.cluster.onRead = (_, { consistency }) => {
      if (consistency === 'eventual') return undefined;
      dropped += 1;
      return 'drop';
    };
    const ids = new Set<number>();
    const { value } = await world.timed(db.read('a'));
    expect(value).toMatchObject({ degraded: 'stale-read' });
    for (const node of world.cluster.nodes)
      for (const message of node.received)
        if (message.kind === 'read') for (const { id } of message.reads) ids.add(id);
    expect(ids.size).toBe(dropped + 1);
  });

  test('those that waited do not meet the standbys all at once', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    world.cluster.elect(undefined);
    const ends: number[] = [];
    const reads = Array.from({ length: 400 }, () => db.get('a').then(() => ends.push(world.clock.now())));
    await world.drive(Promise.all(reads));
    const [first, last] = [Math.min(...ends), Math.max(...ends)];
    expect(last - first).toBeGreaterThan(70);
    for (let from = first; from < last; from += 10)
      expect(ends.filter((at) => at >= from && at < from + 10).length).toBeLessThan(100);
    expect(db.health()?.counters).toMatchObject({ staleReads: 400, retries: 0 });
  });

  test('a client that is cut off from the primary alone goes on reading what is newest', async () => {
    const db = await stored({ degrade: 'stale-reads' });
    world.cluster.standbysAsk = true;
    world.cluster.node('n1').freeze();
    await world.drive(db.get('a'));
    await world.clock.advance(3000);
    const { ms, value } = await world.timed(db.read('a'));
    expect(value).toMatchObject({ staleness: 0 });
    expect(value).not.toHaveProperty('degraded');
    expect(ms).toBeLessThan(10);
  });
});

describe("whenNoPrimary: 'fail'", () => {
  test('writes wait for an ordinary failover, and fail fast in an outage', async () => {
    const db = await stored({ whenNoPrimary: 'fail' });
    world.cluster.elect(undefined);
    const first = world.timed(db.put('a', '2'));
    expect((await first).ms).toBeLessThan(1030);
    expect((await first).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied' });
    const calls = [
      () => db.put('a', '2'),
      () => db.del('a'),
      () => db.increment('n'),
      () => db.write([{ type: 'del', key: 'a' }]),
      () => db.transaction({ then: [{ type: 'del', key: 'a' }] }),
      () => db.update('a', () => '2'),
      () => db.get('a'),
    ];
    for (const call of calls) {
      const { ms, error } = await world.timed(call());
      expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY', outcome: 'not-applied', attempts: 0 });
      expect(ms).toBeLessThan(5);
    }
    expect(db.health()).toMatchObject({ pending: { calls: 0 }, counters: { failedFast: 8 } });
    world.cluster.elect('n2');
    await world.clock.advance(200);
    await world.drive(db.put('a', '2'));
  });

  test('a call may choose for itself', async () => {
    const db = await stored();
    await loseThePrimary();
    const choice = { whenNoPrimary: 'fail' } as const;
    for (const call of [
      () => db.put('a', '2', choice),
      () => db.increment('n', 1, choice),
      () => db.write([{ type: 'del', key: 'a' }], choice),
      () => db.transaction({ then: [{ type: 'del', key: 'a' }] }, choice),
      () => db.update('a', () => '2', choice),
      () => db.expire('a', 1000, choice),
      () => db.read('a', choice),
      () => db.keys(choice).next(),
      () => db.clear(choice),
    ]) {
      const { ms, error } = await world.timed(call());
      expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
      expect(ms).toBeLessThan(5);
    }
    const waiting = world.timed(db.put('a', '3', { timeoutMs: 400 }));
    expect((await waiting).ms).toBeGreaterThanOrEqual(400);
  });

  test('a write that was sent is waited for, as its outcome is not known', async () => {
    const db = await stored({ whenNoPrimary: 'fail' });
    world.cluster.onWrite = () => 'executeAndDrop';
    const sent = world.timed(db.put('a', '2', { timeoutMs: 3000 }));
    await world.clock.advance(10);
    world.cluster.elect(undefined);
    await world.clock.advance(2000);
    world.cluster.onWrite = () => undefined;
    world.cluster.elect('n2');
    expect(await sent).not.toHaveProperty('error');
  });

  test('with no node at all reads that may degrade fail fast, too', async () => {
    const db = await stored({ whenNoPrimary: 'fail', degrade: 'stale-reads' });
    for (const id of ['n1', 'n2', 'n3']) world.kill(id);
    await world.clock.advance(1200);
    const { ms, error } = await world.timed(db.get('a'));
    expect(error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    expect(ms).toBeLessThan(5);
  });
});

describe('fallback', () => {
  test('gives the value of a key that could not be read, and is told as such', async () => {
    const db = await stored({
      whenNoPrimary: 'fail',
      fallback: ({ code }, key) => `${key}: ${code}`,
    });
    const told = degradedOf(db);
    expect(await world.drive(db.get('a'))).toBe('1');
    await loseThePrimary();
    const value = 'a: HOLDFAST_NO_PRIMARY';
    expect(await world.drive(db.get('a'))).toBe(value);
    expect(await world.drive(db.getMany(['a', 'b']))).toEqual([value, value.replace('a', 'b')]);
    expect(await world.drive(db.read('a'))).toEqual({
      value,
      revision: 0,
      staleness: undefined,
      servedBy: undefined,
      degraded: 'fallback',
    });
    expect(told).toHaveLength(4);
    expect(told[0]).toMatchObject({ kind: 'fallback', key: 'a', error: { code: 'HOLDFAST_NO_PRIMARY' } });
    expect(db.health()?.counters.fallbacks).toBe(4);
    expect((await world.timed(db.get('a', { fallback: false }))).error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
    });
  });

  test('comes after a standby, and has no word in what is wrong with a call', async () => {
    const db = await stored({ degrade: 'stale-reads', fallback: () => 'mine' });
    const aborted = db.get('a', { signal: AbortSignal.abort() });
    expect((await world.timed(aborted)).error).toMatchObject({ code: 'HOLDFAST_ABORTED' });
    await loseThePrimary();
    expect(await world.drive(db.get('a'))).toBe('1');
    expect((await world.timed(db.get('a', { consistency: 'x' } as never))).error).toMatchObject({
      code: 'HOLDFAST_INVALID_ARGUMENT',
    });
    expect(await world.drive(db.get('a', { maxStalenessMs: 1 }))).toBe('mine');
  });

  test('of a sublevel is its own: the key is the one that was asked for', async () => {
    const db = await stored({ whenNoPrimary: 'fail', fallback: () => 'of the database' });
    const sublevel = db.sublevel<string, { n: number }>('s', { valueEncoding: 'json' });
    const nested = sublevel.sublevel('t');
    await loseThePrimary();
    const calls = [
      () => sublevel.get('a'),
      () => nested.get('a'),
      () => sublevel.getMany(['a']),
      () => sublevel.read('a'),
    ];
    for (const call of calls)
      expect((await world.timed(call())).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
    const fallback = (_: unknown, key: string): { n: number } => ({ n: key.length });
    expect(await world.drive(sublevel.get('abc', { fallback }))).toEqual({ n: 3 });
    expect(await world.drive(sublevel.getMany(['ab', 'c'], { fallback }))).toEqual([{ n: 2 }, { n: 1 }]);
    expect(await world.drive(sublevel.read('ab', { fallback }))).toMatchObject({
      value: { n: 2 },
      degraded: 'fallback',
    });
    expect(await world.drive(nested.get('abcd', { fallback: (_, key) => key }))).toBe('abcd');
  });

  test('may have nothing to say, or fail', async () => {
    const db = await stored({ whenNoPrimary: 'fail' });
    await loseThePrimary();
    expect(await world.drive(db.get('a', { fallback: () => undefined }))).toBeUndefined();
    expect(await world.drive(db.read('a', { fallback: async () => undefined }))).toBeUndefined();
    const fallback = (error: Error): never => {
      throw error;
    };
    expect((await world.timed(db.get('a', { fallback }))).error).toMatchObject({
      code: 'HOLDFAST_NO_PRIMARY',
    });
    expect((await world.timed(db.get('a', { fallback: 5 } as never))).error).toMatchObject({
      code: 'HOLDFAST_INVALID_ARGUMENT',
    });
  });

  test('is called once for a call that waited for the database to open', async () => {
    let calls = 0;
    const db = world.client({
      timeoutMs: 100,
      fallback: (error) => {
        calls += 1;
        throw error;
      },
    });
    world.cluster.onRead = () => 'drop';
    expect((await world.timed(db.get('a'))).error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED' });
    expect(calls).toBe(1);
  });
});

describe('options', () => {
  test.each([
    { degrade: 'stale' },
    { degrade: true },
    { whenNoPrimary: 'panic' },
    { fallback: 'mine' },
    { maxStalenessMs: -1 },
    { degradation: { afterms: 5 } },
    { degrad: 'stale-reads' },
  ])('of the constructor that are none are refused: %o', (options) => {
    expect(() => world.client(options as object)).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }),
    );
  });

  test('stand in locations as well', async () => {
    const url =
      'holdfast://n1:7100,n2:7100,n3:7100/?degrade=stale-reads&maxStalenessMs=500&whenNoPrimary=fail';
    const db = await world.opened({}, [url]);
    await world.drive(db.put('a', '1'));
    await loseThePrimary();
    expect(await world.drive(db.read('a'))).toMatchObject({ degraded: 'stale-read' });
    world.cluster.ageMsOf = () => 501;
    expect((await world.timed(db.get('a'))).error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect((await world.timed(db.put('a', '2'))).error).toMatchObject({ code: 'HOLDFAST_NO_PRIMARY' });
  });
});
