import type { Entry } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../src/index.ts';
import { plan, runs } from './support/arbitraries.ts';
import { expectRecords, expectState } from './support/expectations.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openOn } from './support/opening.ts';
import { logOf, Replica } from './support/replica.ts';

interface Step {
  readonly size: number;
  readonly checkpoint: boolean;
}

/** Applies entries in batches of the given sizes, with checkpoints where marked; answers how many it applied. */
async function applyInSteps(
  store: Store,
  core: Replica,
  entries: readonly Entry[],
  steps: readonly Step[],
): Promise<number> {
  let done = 0;
  for (const { size, checkpoint } of steps) {
    const batch = entries.slice(done, done + size);
    if (batch.length === 0) break;
    await store.apply(core.apply(batch));
    done += batch.length;
    if (checkpoint) expect(await store.checkpoint()).toEqual(core.applied);
  }
  return done;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 3 }),
    checkpoint: fc.nat({ max: 3 }).map((drawn) => drawn === 0),
  }),
  { minLength: 1, maxLength: 12 },
);

/** For each power cut: which of the batches at risk it keeps, and how the repetition after it goes. */
const cuts = fc.array(fc.record({ keep: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }), steps }), {
  minLength: 1,
  maxLength: 3,
});

describe('a power cut that loses any un-synced batches', () => {
  test('is healed by applying again from the checkpoint, however often it happens meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(plan, steps, cuts, async (planned, firstSteps, powerCuts) => {
        const log = logOf(planned);
        let level = new LossyLevel();
        const { store } = await openOn(level);
        const reached = await applyInSteps(store, new Replica(), log, firstSteps);
        let promised = store.checkpointed.index;
        for (const cut of powerCuts) {
          level = level.crash((place) => cut.keep[place] === true);
          const found = await openOn(level);
          expect(found.usable).toBe(true);
          expect(found.state.checkpoint.index).toBe(promised);
          const missing = log.slice(promised, reached);
          await applyInSteps(found.store, Replica.recovered(found.state), missing, cut.steps);
          promised = found.store.checkpointed.index;
        }
        level = level.crash(() => true);
        const { store: last, state } = await openOn(level);
        const core = Replica.recovered(state);
        for (const entry of log.slice(promised, reached)) await last.apply(core.apply([entry]));
        const model = Replica.after(log.slice(0, reached));
        await expectRecords(last, model);
        await last.checkpoint();
        expectState((await openOn(level.crash(() => false))).state, model);
      }),
      runs(200),
    );
  });
});

/** Three batches with nothing checkpointed, the middle one lost: fault 44. */
async function withMiddleLost(): Promise<{ log: Entry[]; level: LossyLevel }> {
  const log = logOf([
    { kind: 'write', session: 0, writes: [[{ key: 'a', value: 'first' }]] },
    {
      kind: 'write',
      session: 0,
      writes: [
        [
          { key: 'a', value: 'second' },
          { key: 'b', value: 'second' },
        ],
      ],
    },
    { kind: 'write', session: 0, writes: [[{ key: 'c', value: 'third' }]] },
  ]);
  const level = new LossyLevel();
  const { store } = await openOn(level);
  const core = new Replica();
  for (const entry of log) await store.apply(core.apply([entry]));
  return { log, level: level.crash((place) => place !== 2) };
}

describe('an earlier batch lost while a later one survives', () => {
  test('the position found covers what is not there: going on from it would lose a write', async () => {
    const { log, level } = await withMiddleLost();
    const { store, state } = await openOn(level);
    expect(state.applied.index).toBe(4);
    expect(state.checkpoint.index).toBe(0);
    // The write of `b` is gone, though the position says that it is applied.
    const keys = await keysOf(level);
    expect(keys).toEqual(['a', 'c']);
    expect(() => store.apply(Replica.after(log).apply([{ ...log[3]!, index: 5 as Entry['index'] }]))).toThrow(
      'without a gap',
    );
  });

  test('nothing is served, digested, sent or called a checkpoint before it is applied again', async () => {
    const { log, level } = await withMiddleLost();
    const { store } = await openOn(level);
    const range = { reverse: false, limit: -1, keys: true, values: true };
    const notReady = expect.objectContaining({ code: 'HOLDFAST_NOT_READY' });
    expect(() => store.get([Buffer.from('a')])).toThrow(notReady);
    expect(() => store.scan(range)).toThrow(notReady);
    expect(() => store.openSnapshot()).toThrow(notReady);
    await expect(store.digest()).rejects.toThrow(notReady);
    const core = new Replica();
    await store.apply(core.apply(log.slice(0, 2)));
    expect(await store.checkpoint()).toEqual({ index: 2, term: 1 });
    expect(() => store.get([Buffer.from('a')])).toThrow(notReady);
    await store.apply(core.apply(log.slice(2)));
    await expectRecords(store, Replica.after(log));
  });

  test('the position does not go back while batches are repeated', async () => {
    const { log, level } = await withMiddleLost();
    const { store } = await openOn(level);
    await store.apply(new Replica().apply(log.slice(0, 1)));
    const { state } = await openOn(level.crash(() => true));
    expect(state.applied.index).toBe(4);
    expect(state.revision).toBe(Replica.after(log).revision);
  });
});

async function keysOf(level: LossyLevel): Promise<string[]> {
  const items = await level.iterator({ gte: Uint8Array.of(0x20), lt: Uint8Array.of(0x21) }).nextv(100);
  return items.map(([key]) => Buffer.from(key!.subarray(1)).toString());
}
