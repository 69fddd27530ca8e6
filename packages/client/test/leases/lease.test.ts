import type { HoldfastError } from '@holdfast/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../src/index.ts';
import { Turns } from '../../src/leases/turns.ts';
import { type LockProcess, LockWorld } from '../locks/lock-world.ts';
import { errorOf } from '../support/error-of.ts';
import { wireError } from '../support/fake-cluster.ts';

const TTL_MS = 300;

let world: LockWorld;
let one: LockProcess;
let two: LockProcess;
let detached: unknown[];
beforeEach(async () => {
  world = await LockWorld.start();
  [one, two] = [await world.process(), await world.process()];
  detached = [];
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.drive(promise);
const advance = (ms: number): Promise<void> => world.world.clock.advance(ms);
const lease = ({ db }: LockProcess = one): Promise<Lease> =>
  drive(db.lease({ ttlMs: TTL_MS, onDetached: (key) => detached.push(key) }));
const keys = (): Promise<string[]> => drive(two.db.keys().all());

async function held(...names: string[]): Promise<Lease> {
  const made = await lease();
  for (const name of names) await drive(made.put(name, `of ${name}`));
  return made;
}

function isolate(process: 'app1' | 'app2'): void {
  for (const node of ['n1', 'n2', 'n3']) world.world.network.cut(process, node);
}

describe('a lease', () => {
  test('keeps its keys as long as it is held, and deletes them together', async () => {
    const made = await held('a', 'b');
    await drive(two.db.put('other', '1'));
    await advance(TTL_MS * 10);
    expect(made.held).toBe(true);
    expect(made.keys).toBe(2);
    expect(await drive(two.db.get('b'))).toBe('of b');
    const before = world.world.cluster.state.history.length;
    expect(await drive(made.revoke())).toBe(true);
    const { history } = world.world.cluster.state;
    // One transaction: the anchor and both keys.
    expect(history.slice(before).map(({ kind }) => kind)).toEqual(['del', 'del', 'del']);
    expect(await keys()).toEqual(['other']);
    expect(made.held).toBe(false);
    expect(made.signal.aborted).toBe(false);
    expect(await drive(made.revoke())).toBe(true);
    expect(await errorOf(drive(made.put('c', '1')))).toMatchObject({
      code: 'HOLDFAST_LEASE_LOST',
      outcome: 'not-applied',
    });
  });

  test('is renewed in one transaction, three times in its time', async () => {
    await held('a', 'b', 'c');
    const before = world.writes;
    await advance(TTL_MS * 3);
    expect(world.writes - before).toBe(9 * 4);
  });

  test('of a process that stands still loses its keys at one time, and it finds out before anything else', async () => {
    const made = await held('a', 'b');
    await advance(TTL_MS);
    one.freeze();
    await advance(TTL_MS * 0.9);
    expect(made.held).toBe(false);
    expect(await keys()).toEqual(['a', 'b']);
    await advance(TTL_MS * 0.1);
    expect(await keys()).toEqual([]);
    expect(made.signal.reason).toMatchObject({ code: 'HOLDFAST_LEASE_LOST' });
    one.thaw();
    await advance(TTL_MS * 3);
    expect(await keys()).toEqual([]);
    expect(await drive(made.revoke())).toBe(false);
  });

  test('is lost before its keys expire when no node is to be had', async () => {
    const made = await held('a');
    isolate('app1');
    const lost = new Promise<string[]>((resolve) =>
      made.signal.addEventListener('abort', () => resolve(two.db.keys().all())),
    );
    expect(await drive(lost)).toEqual(['a']);
    await advance(TTL_MS);
    expect(await keys()).toEqual([]);
  });

  test('leaves alone what others wrote, and tells which keys those are', async () => {
    const made = await held('a', 'b', 'c', 'd', 'e');
    await drive(two.db.put('b', 'mine'));
    await drive(two.db.del('d'));
    await drive(two.db.persist('e'));
    await advance(TTL_MS);
    expect(detached.toSorted()).toEqual(['b', 'd', 'e']);
    expect(made.keys).toBe(2);
    expect(made.held).toBe(true);
    await drive(two.db.put('c', 'mine, too'));
    expect(await drive(made.revoke())).toBe(true);
    expect(detached.toSorted()).toEqual(['b', 'c', 'd', 'e']);
    expect(await keys()).toEqual(['b', 'c', 'e']);
  });

  test('has a key again that it puts again', async () => {
    const made = await held('a');
    await drive(two.db.put('a', 'mine'));
    await drive(made.put('a', 'again'));
    await advance(TTL_MS * 3);
    expect([made.keys, detached]).toEqual([1, []]);
    expect(await drive(two.db.ttl('a'))).toBe(TTL_MS);
  });

  test('gives keys up: deleted, or to stay', async () => {
    const made = await held('a', 'b', 'c');
    expect(await drive(made.del('a'))).toBe(true);
    expect(await drive(made.detach('b'))).toBe(true);
    await drive(two.db.put('c', 'mine'));
    expect(await drive(made.del('c'))).toBe(false);
    expect(await drive(made.del('never'))).toBe(false);
    expect([made.keys, detached]).toEqual([0, ['c']]);
    await drive(made.revoke());
    expect(await keys()).toEqual(['b', 'c']);
    expect(await drive(two.db.ttl('b'))).toBe(Number.POSITIVE_INFINITY);
  });

  test('whose answers are lost knows its keys all the same', async () => {
    const made = await held('a');
    world.world.cluster.onWrite = (_, { operations }) =>
      operations.some(({ kind, key }) => kind === 'put' && Buffer.from(key).toString() === 'b')
        ? 'executeAndDrop'
        : undefined;
    const error = await errorOf(drive(made.put('b', '1', { timeoutMs: 50 })));
    expect(error.outcome).toBe('unknown');
    await advance(TTL_MS * 5);
    expect([made.keys, detached]).toEqual([2, []]);
    // And if it is a renewal, whose node dies with the answer.
    let dropped = 0;
    world.world.cluster.onWrite = ({ id }) => {
      if (id !== 'n1') return undefined;
      dropped += 1;
      return 'executeAndDrop';
    };
    await advance(TTL_MS * 0.5);
    expect(dropped).toBe(1);
    world.world.kill('n1');
    world.world.cluster.elect('n2');
    await advance(TTL_MS * 5);
    expect([made.held, made.keys, detached]).toEqual([true, 2, []]);
    expect(await drive(made.revoke())).toBe(true);
    expect(await keys()).toEqual([]);
  });

  test('outlives failed renewals as long as there is time, and a change of primary', async () => {
    const made = await held('a');
    world.world.cluster.onWrite = () => wireError('HOLDFAST_OVERLOADED');
    await advance(TTL_MS * 0.6);
    world.world.cluster.onWrite = () => undefined;
    await advance(TTL_MS);
    world.world.cluster.elect(undefined);
    await advance(TTL_MS * 0.4);
    world.world.cluster.elect('n2');
    await advance(TTL_MS * 3);
    expect(made.held).toBe(true);
    expect(await keys()).toEqual(['a']);
  });

  test('that an operator took away is lost with the next call', async () => {
    const made = await held('a');
    const raw = await world.world.opened({ rawKeys: true, seams: two.seams });
    const [anchor] = await drive(raw.keys({ gte: '\u0000holdfast/lease/', limit: 1 }).all());
    await drive(raw.del(anchor!));
    expect((await errorOf(drive(made.put('b', '1')))).code).toBe('HOLDFAST_LEASE_LOST');
    expect(made.signal.reason).toMatchObject({ code: 'HOLDFAST_LEASE_LOST' });
    await advance(TTL_MS);
    expect(await keys()).toEqual([]);
    // Its own, gone with it.
    expect(
      await drive(raw.keys({ gte: '\u0000holdfast/lease/', lt: '\u0000holdfast/lease0' }).all()),
    ).toEqual([]);
  });

  test('has so many keys and bytes, and no more', async () => {
    const made = await lease();
    const all = Array.from({ length: 255 }, (_, place) => made.put(`key${place}`, 'x'));
    await drive(Promise.all(all));
    expect(made.keys).toBe(255);
    expect(await errorOf(drive(made.put('one more', 'x')))).toMatchObject({
      code: 'HOLDFAST_LEASE_FULL',
      outcome: 'not-applied',
    });
    await drive(made.put('key7', 'another'));
    expect((await errorOf(drive(made.put('key7', 'x'.repeat(1_048_576))))).code).toBe('HOLDFAST_LEASE_FULL');
    await drive(made.del('key7'));
    await drive(made.put('one more', 'x'));
    await drive(two.db.put('key9', 'mine'));
    await advance(TTL_MS * 2);
    expect([made.keys, detached]).toEqual([254, ['key9']]);
    expect(made.held).toBe(true);
  });

  test('ends with a scope, and with its database', async () => {
    await (async () => {
      await using made = await held('a');
      expect(made.held).toBe(true);
      void advance(100);
    })();
    expect(await keys()).toEqual([]);
    const again = await held('b');
    await drive(one.db.close());
    expect(again.held).toBe(false);
    expect(await keys()).toEqual([]);
    await expect(drive(again.put('c', '1'))).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    await expect(drive(one.db.lease())).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  });

  test('has keys of its database, of sublevels and namespaces, as they are encoded there', async () => {
    const users = one.db.sublevel<string, object>('users', { valueEncoding: 'json' });
    const made = await drive(users.lease({ ttlMs: TTL_MS }));
    await drive(made.put('ada', { at: 'n1' }));
    await drive(
      made.put<Buffer, string>(Buffer.from('b'), 'text', { keyEncoding: 'buffer', valueEncoding: 'utf8' }),
    );
    const jobs = one.db.sublevel('jobs');
    await drive(made.put('x', '1' as never, { sublevel: jobs, valueEncoding: 'utf8' }));
    const spaced = await world.world.opened({ namespace: 'app', seams: one.seams });
    const theirs = await drive(spaced.lease({ ttlMs: TTL_MS }));
    await drive(theirs.put('ada', 'other'));
    await advance(TTL_MS * 3);
    expect(await keys()).toEqual(['!jobs!x', '!users!ada', '!users!b']);
    expect(await drive(two.db.sublevel('users', { valueEncoding: 'json' }).get('ada'))).toEqual({ at: 'n1' });
    expect(await drive(made.del('x', { sublevel: jobs }))).toBe(true);
    expect(await drive(made.revoke())).toBe(true);
    expect(await keys()).toEqual([]);
    expect(await drive(spaced.get('ada'))).toBe('other');
  });

  test('waits for its database to open, for its call, and in its turn', async () => {
    const opening = world.world.client({ seams: two.seams });
    const made = await drive(opening.lease({ ttlMs: TTL_MS }));
    world.world.cluster.onWrite = (_, { operations }) =>
      operations.some(({ kind, key }) => kind === 'put' && Buffer.from(key).toString() === 'slow')
        ? 'drop'
        : undefined;
    const slow = made.put('slow', '1', { timeoutMs: 80 }).catch((error: HoldfastError) => error.outcome);
    const late = await errorOf(drive(made.put('late', '1', { timeoutMs: 40 })));
    expect(late).toMatchObject({ code: 'HOLDFAST_DEADLINE_EXCEEDED', outcome: 'not-applied' });
    const stop = new AbortController();
    const stopped = errorOf(drive(made.put('stopped', '1', { signal: stop.signal })));
    stop.abort();
    expect(await stopped).toMatchObject({ code: 'HOLDFAST_ABORTED', outcome: 'not-applied' });
    expect(await drive(slow)).toBe('unknown');
    await drive(made.put('next', '1'));
    expect([made.keys, await keys()]).toEqual([1, ['next']]);
  });

  test('is asked for with the options that there are', async () => {
    const made = await lease();
    for (const call of [
      () => one.db.lease({ ack: 'local' } as never),
      () => one.db.lease({ ttl: 5 } as never),
      () => one.db.lease({ ttlMs: 99 }),
      () => one.db.lease({ timeoutMs: 0 }),
      () => one.db.lease({ signal: {} as never }),
      () => one.db.sublevel('s').lease({ onDetached: 'b' as never }),
      () => made.put('a', '1', { ttlMs: 5 } as never),
      () => made.put('a', '1', { ack: 'local' } as never),
      () => made.del('a', { valueEncoding: 'utf8' } as never),
      () => made.detach('a', { timeoutMs: -1 }),
    ]) {
      const made = (async () => call())();
      expect(await errorOf(drive(made))).toMatchObject({
        code: 'HOLDFAST_INVALID_ARGUMENT',
        outcome: 'not-applied',
      });
    }
    await expect(drive(made.put(undefined as never, '1'))).rejects.toMatchObject({
      code: 'LEVEL_INVALID_KEY',
    });
    await expect(drive(made.put('a', null as never))).rejects.toMatchObject({ code: 'LEVEL_INVALID_VALUE' });
    expect((await errorOf(drive(made.put('x'.repeat(5000), '1')))).code).toBe('HOLDFAST_KEY_TOO_LARGE');
    expect(await keys()).toEqual([]);
    expect(one.db.supports.additionalMethods.lease).toBe(true);
    expect(one.db.sublevel('s').supports.additionalMethods.lease).toBe(true);
  });
});

test('turns: one at a time, those that cannot wait first', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const took = async (who: string, isUrgent: boolean): Promise<void> => {
    await turns.take({ isUrgent });
    order.push(who);
  };
  await took('a', false);
  const waiting = [took('b', false), took('c', false), took('d', true)];
  expect(order).toEqual(['a']);
  for (const one of [waiting[2], waiting[0], waiting[1]]) {
    turns.end();
    await one;
  }
  turns.end();
  await took('e', false);
  expect(order).toEqual(['a', 'd', 'b', 'c', 'e']);
});
