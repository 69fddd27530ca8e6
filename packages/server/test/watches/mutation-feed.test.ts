import { lastRevisionOf, type Revision } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FeedWorld, toldOf, type WatchLog } from './feed-world.ts';

function values(watch: WatchLog): string[] {
  return toldOf(watch).map(({ key, value, revision }) => `${key}=${value ?? '-'}@${revision}`);
}

describe('A feed of mutations', () => {
  test('tells what is applied after a watch was opened, once it is', () => {
    const world = new FeedWorld();
    world.apply([world.log.append([[['a', '0']]])]);
    const watch = world.open();
    expect(watch.start).toBe(1);
    world.apply([world.log.append([[['a', '1']], [['b', '2']]])], () => expect(watch.events).toEqual([]));
    expect(values(watch)).toEqual(['a=1@2', 'b=2@3']);
    expect(watch.position).toBe(3);
  });

  test('says where a write ends for the range that is watched', () => {
    const world = new FeedWorld();
    const watch = world.open({ gte: 'b' });
    const write = [
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
      ['a', '2'],
    ] as const;
    world.apply([world.log.append([write, [['b', undefined]]])]);
    expect(watch.events.map(({ endsWrite }) => endsWrite)).toEqual([false, true, true]);
  });

  test('does nothing for anybody while nobody watches, and keeps nothing', () => {
    const world = new FeedWorld();
    world.apply([world.log.append([[['a', '1']]])]);
    const watch = world.open();
    watch.handle.close();
    world.apply([world.log.append([[['a', '2']]])]);
    expect(world.feed.stats).toEqual({ watches: 0, events: 0, lagEntries: 0 });
    expect(world.clock.pendingTimers).toBe(0);
    expect(world.reads).toBe(0);
  });

  test('reads the log for who is behind, from the right place on', async () => {
    const world = new FeedWorld();
    for (let value = 1; value <= 50; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    const watch = world.open({ from: 47 });
    expect(watch.start).toBe(47);
    await world.settle();
    expect(values(watch)).toEqual(['a=48@48', 'a=49@49', 'a=50@50']);
    expect(world.reads).toBeLessThan(15);
    world.apply([world.log.append([[['a', '51']]])]);
    expect(watch.events).toHaveLength(4);
  });

  test('reads the log once for all that stand at the same place, and not at all at the head', async () => {
    const world = new FeedWorld();
    for (let value = 1; value <= 50; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    const many = Array.from({ length: 100 }, () => world.open({ from: 10 }));
    await world.settle();
    // By chance some ask for the place of an entry before another has been told it.
    expect(world.reads).toBeLessThan(1000);
    const { reads } = world;
    for (let value = 51; value <= 100; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    expect(world.reads).toBe(reads);
    for (const watch of many) expect(watch.events).toHaveLength(90);
  });

  test('sends no more than a watch has credit for, one event aside, and holds nothing back for it', async () => {
    const world = new FeedWorld({ recentBytesMax: 3000 });
    const slow = world.open({ credit: 100 });
    const quick = world.open();
    const value = 'v'.repeat(200);
    for (let written = 0; written < 100; written += 1) world.apply([world.log.append([[['a', value]]])]);
    expect(slow.events).toHaveLength(1);
    expect(quick.events).toHaveLength(100);
    expect(world.feed.stats.lagEntries).toBe(99);
    for (let granted = 0; granted < 40; granted += 1) {
      slow.handle.grant(1000);
      await world.settle();
    }
    expect(slow.events.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 100 }, (_, place) => place + 1),
    );
    expect(world.feed.stats.lagEntries).toBe(0);
  });

  test('waits for room on a connection', async () => {
    const world = new FeedWorld();
    const watch = world.open();
    watch.hasRoom = false;
    world.apply([world.log.append([[['a', '1']]])]);
    expect(watch.events).toEqual([]);
    world.clock.advance(20);
    expect(watch.events).toEqual([]);
    watch.hasRoom = true;
    world.clock.advance(20);
    expect(watch.events).toHaveLength(1);
  });

  test('marks how far it has come, now and then, and only if that is news', () => {
    const world = new FeedWorld();
    const watch = world.open({ gte: 'x' });
    world.apply([world.log.append([[['a', '1']]])]);
    expect(watch.messages).toEqual([]);
    world.clock.advance(1000);
    expect(watch.messages).toMatchObject([{ events: [], revision: 1 }]);
    world.clock.advance(5000);
    expect(watch.messages).toHaveLength(1);
  });

  test('tells what the log has no more of, and from where on it goes', async () => {
    const world = new FeedWorld();
    for (let value = 1; value <= 50; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    world.log.cut(20);
    const [gone, there] = [world.open({ from: 18 }), world.open({ from: 19 })];
    await world.settle();
    expect(gone.error).toMatchObject({ code: 'HOLDFAST_REVISION_COMPACTED', detail: 19 });
    expect(there.events).toHaveLength(31);
    expect(world.failures).toEqual([]);
  });

  test('a position below the opening entry that begins the log has missed nothing', async () => {
    const world = new FeedWorld();
    for (const value of ['1', '2', '3']) world.apply([world.log.append([[['a', value]]])]);
    world.apply([world.log.openTerm()]);
    world.apply([world.log.append([[['a', '4']]])]);
    world.log.cut(4);
    const [gone, there] = [world.open({ from: 2 }), world.open({ from: 3 })];
    await world.settle();
    expect(gone.error).toMatchObject({ code: 'HOLDFAST_REVISION_COMPACTED', detail: 3 });
    expect(values(there)).toEqual([`a=4@${world.log.revision}`]);
  });

  test('a watch that falls behind the log is told so, and nobody else is disturbed', async () => {
    const world = new FeedWorld({ recentBytesMax: 1000 });
    const slow = world.open({ credit: 10 });
    const quick = world.open();
    for (let value = 1; value <= 100; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    world.log.cut(90);
    slow.handle.grant(1000);
    await world.settle();
    expect(slow.events).toHaveLength(1);
    expect(slow.error).toMatchObject({ code: 'HOLDFAST_REVISION_COMPACTED', detail: 89 });
    expect(quick.events).toHaveLength(100);
  });

  test('a watch that falls behind entries without mutations alone has missed nothing', async () => {
    const world = new FeedWorld({ recentBytesMax: 300 });
    const slow = world.open({ credit: 10 });
    world.apply([world.log.append([[['a', '1']]])]);
    for (let count = 0; count < 20; count += 1) world.apply([world.log.noop()]);
    world.apply([world.log.append([[['a', '2']]])]);
    world.log.cut(15);
    slow.handle.grant(1000);
    await world.settle();
    expect(slow.error).toBeUndefined();
    expect(values(slow)).toEqual(['a=1@1', 'a=2@2']);
  });

  test('lets its watches go while it cannot prove that it is up to date', () => {
    const world = new FeedWorld();
    const watch = world.open();
    world.stalenessMs = 60_000;
    world.clock.advance(1000);
    expect(watch.error).toMatchObject({ code: 'HOLDFAST_TOO_STALE' });
    expect(world.feed.stats.watches).toBe(0);
  });

  test('another store ends every watch, also one whose log is being read', async () => {
    const world = new FeedWorld();
    for (let value = 1; value <= 5; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    const [behind, level] = [world.open({ from: 2 }), world.open()];
    world.feed.replaced({ index: 9 as never, revision: 9 as Revision });
    for (const watch of [behind, level]) expect(watch.error).toMatchObject({ code: 'HOLDFAST_NOT_READY' });
    await world.settle();
    expect(behind.events).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  test('another store ends the wait for a batch that was on its way into the one before', () => {
    const world = new FeedWorld();
    world.apply([world.log.append([[['a', '1']]])]);
    world.feed.applying({ entries: [] } as never);
    const watch = world.open({ previousValues: true });
    expect(watch.start).toBeUndefined();
    world.feed.replaced({ index: 9 as never, revision: 9 as Revision });
    expect([watch.start, watch.error]).toEqual([9, undefined]);
  });

  test('damage in the log ends the node and is never told as anything else', async () => {
    const world = new FeedWorld();
    for (let value = 1; value <= 5; value += 1) world.apply([world.log.append([[['a', String(value)]]])]);
    world.log.read = () => Promise.reject(new Error('damaged'));
    const watch = world.open({ from: 2 });
    await world.settle();
    expect(world.failures).toHaveLength(1);
    expect([watch.events, watch.error]).toEqual([[], undefined]);
  });
});

describe('Values of before', () => {
  test('are those of just before each mutation, within a batch as well', () => {
    const world = new FeedWorld();
    world.apply([world.log.append([[['a', '0']]])]);
    const watch = world.open({ previousValues: true });
    world.apply([
      world.log.append([[['a', '1']], [['a', '2']]]),
      world.log.append([[['a', undefined]], [['b', '1']]]),
    ]);
    world.apply([world.log.append([[['a', '3']], [['b', '2']]])]);
    expect(
      watch.events.map(({ previous }) => (previous ? Buffer.from(previous).toString() : previous)),
    ).toEqual(['0', '1', '2', null, null, '1']);
  });

  test('of a batch that is on its way into the store are not made up: the watch begins behind it', () => {
    const world = new FeedWorld();
    let watch: WatchLog | undefined;
    world.apply([world.log.append([[['a', '1']]])], () => {
      watch = world.open({ previousValues: true });
      expect(watch.start).toBeUndefined();
    });
    expect(watch?.start).toBe(1);
    world.apply([world.log.append([[['a', '2']]])]);
    expect(watch?.events.map(({ previous }) => Buffer.from(previous!).toString())).toEqual(['1']);
  });

  test('that are not known are an error, behind all that could be told', async () => {
    const world = new FeedWorld();
    world.apply([world.log.append([[['a', '1']], [['b', '1']]])]);
    const watch = world.open({ previousValues: true, from: 1 });
    await world.settle();
    expect(watch.events).toEqual([]);
    expect(watch.error).toMatchObject({ code: 'HOLDFAST_PREVIOUS_VALUE_UNKNOWN', detail: 2 });
  });

  test('are looked up for what somebody wants to know alone', () => {
    const world = new FeedWorld();
    const watch = world.open({ gte: 'x', previousValues: true });
    world.open();
    world.apply([world.log.append([[['a', '1']]])]);
    expect(world.feed.stats.events).toBe(1);
    expect(watch.events).toEqual([]);
  });
});

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const mutation = fc.tuple(key, fc.option(fc.nat({ max: 999 }).map(String), { nil: undefined }));
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      entries: fc.array(fc.array(fc.array(mutation, { maxLength: 4 }), { maxLength: 3 }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('term' as const, 'noop' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      gte: fc.option(key, { nil: undefined }),
      lt: fc.option(key, { nil: undefined }),
      /** Share of the history. */
      from: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      previousValues: fc.boolean(),
      credit: fc.constantFrom(0, 50, 300, 100_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      which: fc.nat({ max: 9 }),
      bytes: fc.nat({ max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat({ max: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'settle' as const, 'mark' as const) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** What is gone before a watch has begun was an opening entry, and no mutation. */
const OPENINGS_GONE: Step[] = [
  { kind: 'term' },
  { kind: 'open', gte: undefined, lt: undefined, from: 0, previousValues: false, credit: 0 },
  { kind: 'apply', entries: [[]] },
  { kind: 'cut', share: 1 },
];

/** Whatever the order of things: each watch is told the history of its range from its position on, and nothing else. */
test('any watch is told exactly the history of its range', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new FeedWorld({ recentBytesMax: 1500 });
      const { log, watches } = world;
      for (const now of steps) {
        switch (now.kind) {
          case 'apply':
            world.apply(now.entries.map((requests) => log.append(requests)));
            break;
          case 'term':
            world.apply([log.openTerm()]);
            break;
          case 'noop':
            world.apply([log.noop()]);
            break;
          case 'open': {
            const { gte, lt, previousValues, credit } = now;
            const from = now.from === undefined ? undefined : positionIn(world, now.from);
            world.open({
              previousValues,
              credit,
              ...(gte === undefined ? {} : { gte }),
              ...(lt === undefined ? {} : { lt }),
              ...(from === undefined ? {} : { from }),
            });
            break;
          }
          case 'grant':
            if (now.bytes > 0) watches[now.which]?.handle.grant(now.bytes);
            break;
          case 'close': {
            const watch = watches[now.which];
            watch?.handle.close();
            if (watch !== undefined) watch.isClosed = true;
            break;
          }
          case 'cut':
            log.cut(Math.floor(log.last * now.share));
            break;
          case 'flush':
            log.flush();
            break;
          case 'settle':
            await world.settle();
            break;
          case 'mark':
            world.clock.advance(600);
            break;
        }
        for (const watch of watches) check(world, watch);
      }
      for (const watch of watches) if (!watch.isClosed) watch.handle.grant(10_000_000);
      await world.settle();
      world.clock.advance(600);
      expect(world.failures).toEqual([]);
      for (const watch of watches) {
        check(world, watch);
        if (watch.isClosed || watch.error !== undefined) continue;
        expect(watch.position).toBe(world.appliedRevision);
      }
    }),
    { numRuns: process.env.HOLDFAST_LONG === '1' ? 5000 : 150, examples: [[OPENINGS_GONE]] },
  );
});

/** A revision that somebody may have been told. */
function positionIn({ log, appliedRevision }: FeedWorld, share: number): number {
  const told = [0, ...log.history.map(({ revision }) => revision), appliedRevision];
  return told[Math.floor(share * (told.length - 1))]!;
}

function check(world: FeedWorld, watch: WatchLog): void {
  const due = world.expectedOf(watch);
  expect(toldOf(watch)).toEqual(due.map(({ before: _, write: __, ...told }) => told));
  expect(watch.position).toBeLessThanOrEqual(world.appliedRevision);
  for (const [place, event] of watch.events.entries()) {
    const { before, write } = due[place]!;
    if (watch.options.previousValues === true)
      expect(event.previous === null ? undefined : Buffer.from(event.previous!).toString()).toBe(before);
    // The next one is not known yet, perhaps.
    const next = world.log.expected(watch.options, event.revision, Number.POSITIVE_INFINITY)[0];
    expect(event.endsWrite).toBe(next?.write !== write);
  }
  if (watch.error?.code === 'HOLDFAST_REVISION_COMPACTED') {
    const oldest = watch.error.detail!;
    expect(watch.position).toBeLessThan(oldest);
    // What is gone took revisions behind its position: opening entries take one as well, and nobody can tell any more.
    const gone = world.log.entries.slice(0, world.log.first - 1);
    expect(gone.some((entry) => lastRevisionOf(entry) > watch.position)).toBe(true);
    const first = world.log.entries[world.log.first - 1];
    expect(oldest).toBeLessThanOrEqual(first === undefined ? world.appliedRevision : first.firstRevision - 1);
  } else if (watch.error !== undefined) {
    expect(watch.error.code).toBe('HOLDFAST_PREVIOUS_VALUE_UNKNOWN');
    expect(watch.options.previousValues).toBe(true);
  }
}
