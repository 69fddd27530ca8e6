import { keepRandomly, type SimDisk, type SimRandom } from '@holdfast/sim';
import type { Entry } from '@holdfast/types';
import { expect } from 'vitest';
import { entriesRecord, entry } from './entries.ts';
import { expectSound, Harness } from './harness.ts';
import type { ModelLog } from './model-log.ts';
import type { Scenario } from './scenario.ts';
import { chance } from './seeds.ts';

/** A disk as a power cut left it, and what is known of the log that was on it. */
export interface CrashState {
  readonly disk: SimDisk;
  readonly known: Known;
  readonly operation: string;
}

export interface Known {
  readonly models: readonly ModelLog[];
  readonly durable: number;
  /** The head up to here may be gone. */
  readonly below: number;
  readonly judged: readonly Entry[];
  readonly segmentBytes: number;
}

export function knownOf(scenario: Scenario): Known {
  const { models, durable, segmentBytes } = scenario.log;
  return {
    models: models.slice(),
    durable,
    below: scenario.below,
    judged: scenario.judged.slice(),
    segmentBytes,
  };
}

/** Captures what a power cut before the next disk operation may leave, at every operation or at some. */
export function captureCrashes(
  disk: () => SimDisk,
  random: SimRandom,
  known: () => Known,
  probability = 1,
): CrashState[] {
  const states: CrashState[] = [];
  disk().onOperation = ({ kind, path }) => {
    if (!CHANGES.has(kind) || !chance(random, probability)) return;
    const draw = random.next();
    const keep = draw < 0.2 ? 'synced' : draw < 0.3 ? 'all' : keepRandomly(random);
    states.push({ known: known(), disk: disk().afterCrash({ keep }), operation: `${kind} ${path}` });
  };
  return states;
}

const CHANGES: ReadonlySet<string> = new Set([
  'open',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'syncDirectory',
  'close',
]);

/** Recovers, checks, and goes on a little; while it does, crashes again and again. */
export async function verifyCrash(
  state: CrashState,
  random: SimRandom,
  again: { readonly depth: number; readonly probability: number },
): Promise<number> {
  const log = new Harness({ disk: state.disk, segmentBytes: state.known.segmentBytes });
  log.models = state.known.models.slice();
  log.durable = state.known.durable;
  const nested = captureCrashes(
    () => state.disk,
    random,
    () => ({ ...state.known, models: log.models.slice(), durable: log.durable }),
    again.depth === 0 ? 0 : again.probability,
  );
  try {
    await log.open();
    await expectSound(log, state.known);
    const { index, term } = log.model.last;
    log.append(entriesRecord(entry({ index: index + 1, term: term + 1, previousTerm: term, salt: 'after' })));
    await log.settle();
    expect(log.durable).toBe(log.model.ticket);
    state.disk.onOperation = undefined;
    const next = await log.again(state.disk.afterCrash({ keep: 'synced' }));
    await expectSound(next, state.known);
  } catch (error) {
    (error as Error).message += `\nafter a crash at: ${state.operation}`;
    throw error;
  }
  state.disk.onOperation = undefined;
  let count = 1;
  for (const inner of nested) {
    const operation = `${state.operation}, then in the next run at: ${inner.operation}`;
    count += await verifyCrash({ ...inner, operation }, random, { ...again, depth: again.depth - 1 });
  }
  return count;
}
