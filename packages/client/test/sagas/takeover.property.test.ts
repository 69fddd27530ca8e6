import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SagaDefinition, type SagaRecord, type StepContext, saga } from '../../src/sagas/index.ts';
import { SagaWorld } from './saga-world.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;

interface Plan {
  /** Each process stops, or freezes for a while, so many milliseconds after it has begun to wait for its turn. */
  readonly tenures: readonly { readonly ms: number; readonly frozenMs: number | undefined }[];
  /** The step that is refused for good, if any. */
  readonly refused: string | undefined;
  /** Milliseconds that steps and compensations take before and after what they apply, in the order they are called. */
  readonly delays: readonly number[];
  /** Milliseconds after which an abort is ordered. */
  readonly abortMs: number | undefined;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  tenures: fc.array(
    fc.record({
      ms: fc.integer({ min: 1, max: 700 }),
      frozenMs: fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined, freq: 2 }),
    }),
    {
      maxLength: 5,
    },
  ),
  refused: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  delays: fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 200, max: 1500 })), {
    minLength: 1,
    maxLength: 12,
  }),
  abortMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 2 }),
});

/** What processes have begun goes on when they stop or freeze, beside their successors: the harder case. */
test('every effect of a saga is there once or not at all, however often it changes hands', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const world = await SagaWorld.start();
      const { clock } = world.world;
      let called = 0;
      const work = async ({ once, key }: StepContext<unknown, unknown>, by: number): Promise<void> => {
        const delay = (): Promise<void> => {
          const ms = plan.delays[called++ % plan.delays.length]!;
          return new Promise((resolve) => void clock.setTimer(ms, resolve));
        };
        const db = (await world.process()).db;
        await delay();
        await once(db, [{ type: 'increment', key: key.split('/')[2]!, by }]);
        await delay();
        if (by > 0 && key.endsWith(plan.refused ?? '/'))
          throw Object.assign(new Error('no'), { retryable: false });
      };
      let definition: SagaDefinition<undefined, unknown> = saga('effects');
      for (const name of NAMES) {
        definition = definition.step(name, {
          run: (context) => work(context, 1),
          compensate: (context) => work(context, -1),
        });
      }
      const first = await world.process();
      await world.world.drive(first.sagas.start(definition, '1', undefined));
      if (plan.abortMs !== undefined)
        clock.setTimer(plan.abortMs, () => void first.sagas.abort('effects', '1').catch(() => undefined));
      for (const { ms, frozenMs } of plan.tenures) {
        const process = await world.process();
        const stop = new AbortController();
        void process.sagas.finish(definition, '1', { signal: stop.signal }).catch(() => undefined);
        await clock.advance(ms);
        if (frozenMs === undefined) stop.abort();
        else {
          process.freeze();
          clock.setTimer(frozenMs, () => process.thaw());
        }
      }
      const last = await world.process();
      const record: SagaRecord = await world.world.drive(last.sagas.finish(definition, '1'));
      // What processes before had begun comes to its end.
      await clock.advance(5000);
      const counts = await world.world.drive(last.db.getMany([...NAMES]));
      const wanted = record.state === 'completed' ? '1' : '0';
      expect(['completed', 'compensated']).toContain(record.state);
      for (const count of counts) expect(count ?? '0').toBe(wanted);
      if (plan.refused !== undefined) expect(record.state).toBe('compensated');
      if (plan.refused === undefined && plan.abortMs === undefined) expect(record.state).toBe('completed');
    }),
    { numRuns: 40 },
  );
}, 60_000);
