import { SimRandom } from '@holdfast/sim';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SessionWorld } from '../support/session-world.ts';

const LONG = process.env.HOLDFAST_LONG === '1';
const RUNS = { numRuns: LONG ? 50_000 : 2000 };

/** One thing that happens, printed by its name when a run fails. */
type Step = { readonly what: string; readonly run: (world: SessionWorld) => void };

const small = fc.nat({ max: 5 });
const happening = <Argument>(
  argument: fc.Arbitrary<Argument>,
  what: string,
  run: (world: SessionWorld, argument: Argument) => void,
): fc.Arbitrary<Step> =>
  argument.map((value) => ({ what: `${what} ${JSON.stringify(value)}`, run: (world) => run(world, value) }));

/** What may happen, each about as often as it takes for trouble to meet work. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: happening(fc.integer({ min: 5, max: 400 }), 'issue', (world, ms) => world.issue(ms)),
  },
  { weight: 6, arbitrary: happening(fc.constant(0), 'flush', (world) => world.flush()) },
  { weight: 8, arbitrary: happening(small, 'deliverUp', (world, which) => world.deliverUp(which)) },
  { weight: 8, arbitrary: happening(small, 'deliverDown', (world, which) => world.deliverDown(which)) },
  { weight: 5, arbitrary: happening(small, 'commit', (world, count) => world.commit(count)) },
  { weight: 3, arbitrary: happening(fc.integer({ min: 1, max: 60 }), 'pass', (world, ms) => world.pass(ms)) },
  { weight: 1, arbitrary: happening(small, 'abort', (world, which) => world.abort(which)) },
  { weight: 1, arbitrary: happening(small, 'duplicateDown', (world, which) => world.duplicateDown(which)) },
  { weight: 2, arbitrary: happening(small, 'cut', (world, which) => world.cut(which)) },
  { weight: 2, arbitrary: happening(fc.constant(0), 'connect', (world) => world.connect()) },
);
const changeTerm = (fresh: boolean): fc.Arbitrary<Step> =>
  happening(
    fc.record({ to: small, kept: small, dies: fc.boolean(), announcedBy: small }),
    'changeTerm',
    (world, options) => world.changeTerm({ ...options, fresh }),
  );
const stepOrTrouble = fc.oneof(
  { weight: 24, arbitrary: step },
  { weight: 1, arbitrary: changeTerm(false) },
  { weight: 1, arbitrary: happening(small, 'overload', (world, frames) => world.overload(frames)) },
);
const stepOrExpiry = fc.oneof(
  { weight: 40, arbitrary: stepOrTrouble },
  { weight: 1, arbitrary: happening(fc.constant(0), 'expireSessions', (world) => world.expireSessions()) },
);

function run(steps: readonly Step[], options?: { longOutages?: boolean; isLazy?: boolean }): SessionWorld {
  const random = new SimRandom(7);
  const world = new SessionWorld(() => random.next(), options);
  for (const next of steps) next.run(world);
  world.settle();
  return world;
}

test('every call settles once, with an outcome that the log confirms', () => {
  fc.assert(
    fc.property(fc.array(stepOrExpiry, { maxLength: 120, size: 'max' }), fc.boolean(), (steps, isLazy) => {
      const world = run(steps, { isLazy });
      expect(world.problems).toEqual([]);
      expect(new Set(world.committed).size, 'a write was applied twice').toBe(world.committed.length);
      for (const { name, settlements, receipt, error, call } of world.issued) {
        expect(settlements, name).toBe(1);
        const applied = world.committed.includes(name);
        if (receipt !== undefined)
          expect(applied, `${name} was acknowledged and is not in the log`).toBe(true);
        if (error?.outcome === 'not-applied')
          expect(applied, `${name}: ${error.code}, not-applied`).toBe(false);
        if (error !== undefined && call.attempts === 0) expect(error.outcome, name).toBe('not-applied');
      }
    }),
    RUNS,
  );
});

test('a write at `local` whose first attempt is still under way is acknowledged once it is committed (G3)', () => {
  const random = new SimRandom(7);
  const world = new SessionWorld(() => random.next());
  world.issue(400, 'local');
  world.flush();
  world.deliverUp(0);
  world.deliverDown(0);
  world.flush();
  // The first attempt is on its way to n1, which is deposed, and elected again when n2 has logged the second: then it
  // is carried out.
  world.changeTerm({ to: 1, kept: 0, dies: false, announcedBy: 2, fresh: false });
  for (let link = 0; link < 3; link += 1) world.deliverDown(0);
  world.flush();
  world.deliverUp(1);
  world.deliverDown(0);
  world.changeTerm({ to: 0, kept: 0, dies: false, announcedBy: 2, fresh: false });
  world.deliverUp(0);
  world.settle();
  const [write] = world.issued;
  expect(write?.receipt).toMatchObject({ ack: 'quorum', result: { revision: world.revisions.get('w0') } });
});

// A node that loses the role and has it again while frames are under way to it refuses one and takes the next:
// only there can writes overtake each other.
const stepOrFreshPrimary = fc.oneof(
  { weight: 24, arbitrary: step },
  { weight: 1, arbitrary: changeTerm(true) },
);

test('writes are applied in the order in which they were issued, over any number of failovers', () => {
  fc.assert(
    fc.property(
      fc.array(stepOrFreshPrimary, { maxLength: 120, size: 'max' }),
      fc.boolean(),
      (steps, isLazy) => {
        const world = run(steps, { isLazy });
        const order = world.committed.map((name) => Number(name.slice(1)));
        expect(order).toEqual([...order].sort((left, right) => left - right));
      },
    ),
    RUNS,
  );
});

test('writes to one key are applied in the order of issue, even where new writes go before those that waited', () => {
  const overtakings = { count: 0 };
  fc.assert(
    fc.property(fc.array(stepOrFreshPrimary, { maxLength: 120, size: 'max' }), (steps) => {
      const world = run(steps, { longOutages: true });
      const order = world.committed.map((name) => Number(name.slice(1)));
      for (const key of [0, 1]) {
        const ofKey = order.filter((number) => number % 2 === key);
        expect(ofKey).toEqual([...ofKey].sort((left, right) => left - right));
      }
      if (order.some((number, place) => number < (order[place - 1] ?? 0))) overtakings.count += 1;
      expect(world.problems).toEqual([]);
    }),
    RUNS,
  );
  expect(overtakings.count, 'runs in which a write went before another').toBeGreaterThan(0);
});

test('a tick before the first repeat does not let new writes pass one that waited, to the same key', () => {
  const random = new SimRandom(7);
  const world = new SessionWorld(() => random.next(), { longOutages: true });
  world.issue(5);
  world.flush();
  world.issue(400);
  world.deliverUp(0);
  world.deliverDown(0);
  world.changeTerm({ to: 1, kept: 0, dies: false, announcedBy: 0, fresh: true });
  world.flush();
  world.pass(5);
  world.deliverDown(0);
  world.pass(1);
  world.issue(5);
  world.issue(60);
  world.settle();
  expect(world.committed.filter((name) => name === 'w1' || name === 'w3')).toEqual(['w1', 'w3']);
});

test('with a cluster that recovers, no call with time left is lost', () => {
  fc.assert(
    fc.property(fc.array(stepOrTrouble, { maxLength: 80, size: 'max' }), (steps) => {
      const patient = steps.filter((_, position) => position % 9 !== 8);
      const random = new SimRandom(3);
      const world = new SessionWorld(() => random.next());
      for (const next of patient) {
        next.run(world);
        if (world.issued.length > 8) break;
      }
      const before = world.issued.length;
      for (let count = 0; count < 3; count += 1) world.issue(60_000);
      world.settle();
      for (const { name, receipt } of world.issued.slice(before)) expect(receipt, name).toBeDefined();
    }),
    RUNS,
  );
});
