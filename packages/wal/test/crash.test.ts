import { SimRandom } from '@holdfast/sim';
import type { LogIndex } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { type CrashState, captureCrashes, knownOf, verifyCrash } from './support/crash-states.ts';
import { entriesRecord, entry, GENESIS, hardState, position } from './support/entries.ts';
import { Scenario } from './support/scenario.ts';
import { below, forSeeds, LONG, LONG_TIMEOUT_MS } from './support/seeds.ts';

/** Everything that changes files, once each, so that a crash can be put before every single operation. */
const LIFE: Record<string, (scenario: Scenario) => Promise<void>> = {
  async rotation(scenario) {
    for (let group = 0; group < 7; group++) {
      append(scenario, 1);
      await scenario.log.settle();
    }
  },
  async oversized(scenario) {
    append(scenario, 1, 60_000);
    append(scenario, 1);
    await scenario.log.settle();
  },
  async genesis(scenario) {
    scenario.log.append({ kind: 'genesis', genesis: GENESIS });
    scenario.log.append(entriesRecord(), { hardState: hardState(4, 'n2') });
    await scenario.log.settle();
  },
  async truncation(scenario) {
    const { last } = scenario.log.model;
    const next = entry({ index: last.index - 1, term: last.term + 5, previousTerm: last.term });
    scenario.log.append(entriesRecord(next), { hardState: hardState(last.term + 5) });
    append(scenario, 1);
    await scenario.log.settle();
  },
  async headRemoval(scenario) {
    const { log } = scenario;
    const { last } = log.model;
    log.append(entriesRecord(), { commitFloor: last.index - 1 });
    scenario.judged.push(...log.model.superseded);
    log.wal.judged(log.model.superseded);
    await log.settle();
    scenario.below = last.index - 1;
    await log.clock.drive(log.wal.removeHead({ below: scenario.below as LogIndex }));
  },
  async snapshotBelowTail(scenario) {
    const { last } = scenario.log.model;
    const record = {
      kind: 'base',
      position: position(last.index - 1, last.term),
      directory: 'a',
      keepTail: true,
    } as const;
    scenario.log.append(record, { commitFloor: last.index - 1 });
    await scenario.log.settle();
  },
  async snapshotInstead(scenario) {
    const { last } = scenario.log.model;
    const record = {
      kind: 'base',
      position: position(last.index + 9, last.term + 1),
      directory: 'b',
      keepTail: false,
    } as const;
    scenario.log.append(record);
    append(scenario, 2);
    await scenario.log.settle();
  },
  async headRemovalDuringSnapshot(scenario) {
    const { log } = scenario;
    const { last } = log.model;
    scenario.judged.push(...log.model.superseded);
    log.wal.judged(log.model.superseded);
    log.append(entriesRecord(), { commitFloor: last.index });
    await log.settle();
    const record = {
      kind: 'base',
      position: position(last.index + 9, last.term + 1),
      directory: 'c',
      keepTail: false,
    } as const;
    log.append(record);
    const removed = log.wal.removeHead({ below: (last.index + 10) as LogIndex });
    append(scenario, 1);
    await log.clock.drive(removed);
    await log.settle();
  },
  async idleMark(scenario) {
    append(scenario, 2);
    await scenario.log.clock.advance(20);
  },
  async cleanStop(scenario) {
    append(scenario, 3);
    await scenario.restart(true);
  },
  /** What the new run reports durable needs the name of its segment to be. */
  async appendAtOnceAfterRecovery(scenario) {
    await scenario.restart(false);
    append(scenario, 1);
    await scenario.log.settle();
  },
  async recovery(scenario) {
    append(scenario, 3);
    await scenario.log.settle();
    await scenario.restart(false);
  },
};

function append(scenario: Scenario, count: number, bytes = 30): void {
  for (let number = 0; number < count; number++) {
    const { index, term } = scenario.log.model.last;
    const next = Math.max(1, term);
    scenario.log.append(entriesRecord(entry({ index: index + 1, term: next, previousTerm: term, bytes })));
  }
}

describe('a power cut', () => {
  it.each(Object.keys(LIFE))(
    'at every operation of %s leaves the state before or after',
    async (step) => {
      await forSeeds(1, 'crash.test.ts', async (random) => {
        const scenario = new Scenario(random);
        await scenario.log.open();
        await LIFE.rotation!(scenario);
        await LIFE.truncation!(scenario);
        const states: CrashState[] = [];
        // The same again and again: each crash keeps something else of what was not synced.
        for (let time = 0; states.length < 40 * LONG; time++) {
          const copy = new Scenario(new SimRandom(time), { disk: scenario.disk.afterCrash({ keep: 'all' }) });
          copy.log.models = scenario.log.models.slice();
          copy.log.durable = scenario.log.durable;
          await copy.log.open();
          const captured = captureCrashes(
            () => copy.disk,
            random,
            () => knownOf(copy),
          );
          await LIFE[step]!(copy);
          await copy.log.settle();
          copy.disk.onOperation = undefined;
          states.push(...captured);
        }
        for (const state of states) await verifyCrash(state, random, { depth: 0, probability: 0 });
      });
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'at every operation of a recovery, and of the recovery after that, changes nothing',
    async () => {
      await forSeeds(1, 'crash.test.ts', async (random) => {
        const scenario = new Scenario(random);
        await scenario.log.open();
        await LIFE.rotation!(scenario);
        await LIFE.truncation!(scenario);
        append(scenario, 3);
        let torn: CrashState | undefined;
        scenario.disk.onOperation = ({ kind }) => {
          if (kind !== 'sync' || torn !== undefined) return;
          torn = {
            disk: scenario.disk.afterCrash({ keep: 'all' }),
            known: knownOf(scenario),
            operation: 'sync',
          };
        };
        await scenario.log.settle();
        const first = await verifyCrash(torn!, random, { depth: 1, probability: 1 });
        expect(first).toBeGreaterThan(15);
        scenario.disk.onOperation = undefined;
        const synced = (): CrashState => ({
          ...torn!,
          disk: scenario.disk.afterCrash({ keep: 'synced' }),
          known: knownOf(scenario),
        });
        expect(await verifyCrash(synced(), random, { depth: 1, probability: 1 })).toBeGreaterThan(15);
        // Deeper than that only here and there: it may well draw nothing.
        await verifyCrash(synced(), random, { depth: 3, probability: 0.05 });
      });
    },
    LONG_TIMEOUT_MS,
  );

  it(
    'at any operation, keeping any of what was not synced, leaves the log after one of its records',
    async () => {
      let verified = 0;
      await forSeeds(6, 'crash.test.ts', async (random) => {
        const scenario = new Scenario(random);
        const states = captureCrashes(
          () => scenario.disk,
          random.fork(),
          () => knownOf(scenario),
          0.08,
        );
        await scenario.run(40 + below(random, 40));
        scenario.disk.onOperation = undefined;
        await scenario.restart(false);
        for (const state of states)
          verified += await verifyCrash(state, random, { depth: 2, probability: 0.02 });
      });
      expect(verified).toBeGreaterThan(process.env.HOLDFAST_SEED === undefined ? 60 : 0);
    },
    LONG_TIMEOUT_MS,
  );
});
