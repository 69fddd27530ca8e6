import { beforeEach, expect, test } from 'vitest';
import type { Leader } from '../../src/index.ts';
import { type LockProcess, LockWorld } from './lock-world.ts';

const TTL_MS = 300;

let world: LockWorld;
let one: LockProcess;
let two: LockProcess;
beforeEach(async () => {
  world = await LockWorld.start();
  [one, two] = [await world.process(), await world.process()];
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.drive(promise);
const advance = (ms: number): Promise<void> => world.world.clock.advance(ms);
const elect = ({ db }: LockProcess, value: string) => db.elect('cron', { value, ttlMs: TTL_MS });

/** What an iterator tells, as it does. */
function listen<Item>(items: AsyncIterable<Item>): Item[] {
  const heard: Item[] = [];
  (async () => {
    for await (const item of items) heard.push(item);
  })().catch(() => undefined);
  return heard;
}

test('one candidate is elected at a time, and everybody can see who', async () => {
  const ours = elect(one, 'one');
  const theirs = elect(two, 'two');
  const heard = listen(theirs.leader());
  await advance(20);
  expect(await drive(theirs.current())).toBeUndefined();
  const office = await drive(ours.campaign());
  const next = theirs.campaign();
  await advance(TTL_MS * 5);
  expect(office.held).toBe(true);
  expect(await drive(theirs.current())).toMatchObject({ value: 'one', client: 'holdfast-client' });
  expect(await drive(office.release())).toBe(true);
  const successor = await drive(next);
  expect(successor.token).toBeGreaterThan(office.token);
  two.freeze();
  await advance(TTL_MS * 2);
  expect(successor.signal.reason).toMatchObject({ code: 'HOLDFAST_LOCK_LOST' });
  two.thaw();
  await advance(100);
  expect(heard.map((leader) => leader?.value)).toEqual([undefined, 'one', undefined, 'two', undefined]);
});

test('an election is no lock of the same name, and other sublevels have others', async () => {
  const office = await drive(elect(one, 'one').campaign());
  expect((await drive(one.db.lock('cron'))).held).toBe(true);
  const other = one.db.sublevel('s').elect('cron', { value: { any: ['json', 1] }, ttlMs: TTL_MS });
  expect((await drive(other.campaign())).held).toBe(true);
  expect((await drive(other.current()))?.value).toEqual({ any: ['json', 1] });
  const { branch } = await drive(one.db.transaction({ if: [{ lock: office }], then: [] }));
  expect(branch).toBe('then');
});

test('looking who is elected begins with who is, and ends when told to', async () => {
  await drive(elect(one, 'one').campaign());
  const election = elect(two, 'two');
  const stop = new AbortController();
  const leaders = election.leader({ signal: stop.signal });
  expect((await drive(leaders.next())).value).toMatchObject({ value: 'one' });
  const end = leaders.next().catch((error: unknown) => error);
  stop.abort();
  expect(await drive(end)).toMatchObject({ code: 'HOLDFAST_ABORTED' });
  expect(await drive(leaders.next())).toEqual({ done: true, value: undefined });

  const seen: (Leader<string> | undefined)[] = [];
  await drive(
    (async () => {
      for await (const leader of election.leader()) {
        seen.push(leader);
        break;
      }
    })(),
  );
  expect(seen).toHaveLength(1);
  const last = election.leader();
  await drive(last.next());
  const closed = last.next();
  await drive(two.db.close());
  expect(await drive(closed)).toEqual({ done: true, value: undefined });
  expect(world.world.cluster.nodes.reduce((sum, { watches }) => sum + watches.open, 0)).toBe(0);
});

test('who is elected need not announce anything', async () => {
  for (const elected of [one.db.elect('quiet'), one.db.sublevel('part').elect('quiet', { ttlMs: 500 })]) {
    const office = await drive(elected.campaign());
    expect(await drive(elected.current())).toMatchObject({ value: null, id: expect.any(String) });
    await drive(office.release());
  }
});

test('elections take the options that there are', async () => {
  const election = elect(one, 'one');
  for (const call of [
    () => one.db.elect('cron', { value: undefined }),
    () => one.db.elect('cron', { value: 1, ttl: 5 } as never),
    () => one.db.elect('cron', { value: 1, ttlMs: 5 }),
    () => one.db.elect('', { value: 1 }),
    () => election.leader({ timeoutMs: 5 } as never),
    () => election.leader({ ttlMs: 500 } as never),
  ])
    expect(call).toThrow(expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }));
  const wrong: (() => Promise<unknown>)[] = [
    () => election.campaign({ ttlMs: 500 } as never),
    () => election.current({ ack: 'quorum' } as never),
  ];
  for (const call of wrong)
    await expect(drive(call())).rejects.toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  await drive(one.db.close());
  const late: (() => Promise<unknown>)[] = [() => election.campaign(), () => election.current()];
  for (const call of late)
    await expect(drive(call())).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
});
