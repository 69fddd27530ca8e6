import type { RangeClearing } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { CLEAR_KEYS } from './support/fake-state.ts';
import { World } from './support/world.ts';

const COUNT = 3000;
let world: World;
let db: Holdfast;
/** What the nodes were asked to clear, repeats included. */
let asked: (RangeClearing & { readonly sequence: number })[];

beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
  const operations = Array.from(
    { length: COUNT },
    (_, number) => ({ type: 'put', key: key(number), value: `${number}` }) as const,
  );
  await world.drive(db.batch(operations));
  asked = [];
  world.cluster.onWrite = (_, { clear, sequence }) => {
    if (clear !== undefined) asked.push({ ...clear, sequence });
    return undefined;
  };
});

const key = (number: number): string => `k${String(number).padStart(5, '0')}`;

/** Writes of somebody else, at once. */
function outsider(): (key: string, value: string) => void {
  const { state } = world.cluster;
  const session = state.openSession(1);
  let sequence = 0;
  return (name, value) => {
    sequence += 1;
    const operation = { kind: 'put', key: Buffer.from(name), value: Buffer.from(value) } as const;
    const request = { id: 0, sequence, ack: 'quorum', remainingMs: 1, conditions: [] } as const;
    state.write(session, 0, { ...request, operations: [operation] }, 1);
  };
}

test('removes exactly the range, piece by piece, and no key travels', async () => {
  await world.drive(db.clear({ gte: key(100), lt: key(2900) }));
  expect(asked).toHaveLength(Math.ceil(2800 / CLEAR_KEYS));
  expect(await world.drive(db.keys().all())).toHaveLength(200);
  const writes = world.cluster.node('n1').received.filter((message) => message.kind === 'write');
  const deletes = writes.flatMap(({ requests }) => requests.flatMap(({ operations }) => operations));
  expect(deletes.filter(({ kind }) => kind === 'del')).toEqual([]);
  await world.clock.advance(5);
  expect(world.cluster.node('n1').openScans).toBe(0);
});

test.each([5, CLEAR_KEYS, CLEAR_KEYS + 5])('keeps to a limit of %s, from either end', async (limit) => {
  const before = await world.drive(db.keys().all());
  await world.drive(db.clear({ limit, reverse: true }));
  expect(await world.drive(db.keys().all())).toEqual(before.slice(0, COUNT - limit));
  await world.drive(db.clear({ limit }));
  expect(await world.drive(db.keys().all())).toEqual(before.slice(limit, COUNT - limit));
});

test('a limit beyond all numbers is none', async () => {
  await world.drive(db.clear({ gte: key(2000), limit: Number.MAX_VALUE }));
  expect(await world.drive(db.keys().all())).toHaveLength(2000);
  expect(world.cluster.node('n1').connections).toBe(1);
});

test('a limit of none, and an empty range, write nothing', async () => {
  await world.drive(db.clear({ limit: 0 }));
  await world.drive(db.clear({ gt: 'l' }));
  expect(asked).toEqual([]);
  expect(await world.drive(db.keys().all())).toHaveLength(COUNT);
});

test('goes on under a new primary, and leaves what was written since it was asked for', async () => {
  const put = outsider();
  const written = [1800, 1801, 1850].map((number) => [key(number), 'again'] as const);
  const clear = db.clear({ gte: key(100), lt: key(2900) });
  while (asked.length === 0) await world.clock.advance(1);
  for (const [name, value] of written) put(name, value);
  put('k01700-new', 'new');
  const later = db.put(key(2000), 'later');
  world.kill('n1');
  world.cluster.elect('n2');
  await world.drive(Promise.all([clear, later]));
  const left = await world.drive(db.iterator({ gte: key(100), lt: key(2900) }).all());
  expect(left).toEqual([['k01700-new', 'new'], ...written, [key(2000), 'later']]);
  expect(await world.drive(db.keys().all())).toHaveLength(200 + left.length);
});

test('a piece whose answer is lost is sent again under its sequence, and goes on where that one ended', async () => {
  let lost = 0;
  world.cluster.onWrite = (_, { clear, sequence }) => {
    if (clear === undefined) return undefined;
    asked.push({ ...clear, sequence });
    lost += 1;
    return lost === 2 ? 'executeAndDrop' : undefined;
  };
  const clear = db.clear();
  while (lost < 2) await world.clock.advance(1);
  world.cluster.elect('n2');
  world.kill('n1');
  await world.drive(clear);
  expect(await world.drive(db.keys().all())).toEqual([]);
  const [first, second, again, ...rest] = asked;
  expect(again).toEqual(second);
  expect(second!.sequence).toBe(first!.sequence + 1);
  expect(rest.map(({ sequence }) => sequence)).not.toContain(second!.sequence);
  expect(world.cluster.state.history.filter(({ kind }) => kind === 'del')).toHaveLength(COUNT);
});

test('one that fails half way does not say that it had no effect', async () => {
  const overloaded = wireError('HOLDFAST_OVERLOADED');
  let pieces = 0;
  world.cluster.onWrite = (_, { clear }) => (clear !== undefined && ++pieces > 1 ? overloaded : undefined);
  const error = { code: 'HOLDFAST_OVERLOADED', retryable: true };
  const half = await world.timed(db.clear({ timeoutMs: 300 }));
  expect(half.error).toMatchObject({ ...error, outcome: 'unknown', cause: { outcome: 'not-applied' } });
  const none = await world.timed(db.clear({ timeoutMs: 300 }));
  expect(none.error).toMatchObject({ ...error, outcome: 'not-applied' });
  world.cluster.onWrite = () => undefined;
  expect(await world.drive(db.keys().all())).toHaveLength(COUNT - CLEAR_KEYS);
});

test('a write asked for after it, and not awaited, stays, however slow the node is', async () => {
  world.network.setLatency('n1', 'app', 80);
  const done = Promise.all([db.clear(), db.put(key(7), 'since'), db.put('x', 'since')]);
  await world.drive(done);
  expect(await world.drive(db.keys().all())).toEqual([key(7), 'x']);
});

test('of a lost snapshot goes on all the same: only its revision is needed', async () => {
  const snapshot = db.snapshot();
  expect(await world.drive(db.get(key(1), { snapshot }))).toBe('1');
  await world.drive(db.put('since', '1'));
  const clear = db.clear({ snapshot });
  while (asked.length === 0) await world.clock.advance(1);
  world.kill('n1');
  world.cluster.elect('n2');
  await world.drive(clear);
  expect(await world.drive(db.keys().all())).toEqual(['since']);
  await world.drive(snapshot.close());
});

test('stays inside its namespace and sublevel', async () => {
  const other = await world.opened({ namespace: 'other' });
  const part = other.sublevel('part');
  await world.drive(Promise.all([other.put('a', '1'), part.put('b', '1'), db.put('a', '1')]));
  await world.drive(part.clear());
  expect(await world.drive(other.keys().all())).toEqual(['a']);
  await world.drive(other.clear());
  expect(await world.drive(other.keys().all())).toEqual([]);
  expect(await world.drive(db.keys().all())).toHaveLength(COUNT + 1);
  for (const { gt, gte, lt, lte } of asked) expect([gt ?? gte, lt ?? lte]).not.toContain(undefined);
});

test('tells every piece its level and its deadline, and ends when it is aborted', async () => {
  const acks: string[] = [];
  world.cluster.onWrite = (_, { clear, ack, remainingMs }) => {
    if (clear === undefined) return undefined;
    expect(remainingMs).toBeLessThanOrEqual(500);
    acks.push(ack);
    return acks.length === 2 ? 'drop' : undefined;
  };
  const abort = new AbortController();
  const clear = db.clear({ ack: 'all', timeoutMs: 500, signal: abort.signal });
  while (acks.length < 2) await world.clock.advance(1);
  abort.abort();
  expect((await world.timed(clear)).error).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'unknown' });
  expect(acks).toEqual(['all', 'all']);
  expect(await world.drive(db.keys().all())).toHaveLength(COUNT - CLEAR_KEYS);
});

test('fails at the deadline of a piece that nobody answers', async () => {
  world.cluster.onWrite = (_, { clear }) => (clear === undefined ? undefined : 'drop');
  const { ms, error } = await world.timed(db.clear({ timeoutMs: 300 }));
  expect(error).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'unknown' });
  expect(ms).toBeLessThan(700);
});
