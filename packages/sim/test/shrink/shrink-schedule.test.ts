import { describe, expect, it } from 'vitest';
import { drawSchedule, RunFailure, type Schedule, shrinkSchedule } from '../../src/index.ts';
import { callsOf, sizeOf, withCalls, withNodes } from '../../src/shrink/smaller.ts';

const FAILURE = new RunFailure('safety', 'exactly once', 'twice');
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** A run that fails as soon as the schedule has what is wanted. */
function failsIf(wanted: (schedule: Schedule) => boolean): (schedule: Schedule) => Promise<unknown> {
  return async (schedule) => (wanted(schedule) ? FAILURE : undefined);
}

function hasCall(schedule: Schedule): boolean {
  return callsOf(schedule).some(({ call }) => call.kind === 'increment');
}

const never = (): boolean => false;

describe('Shrinking', () => {
  it('leaves of a schedule only what it fails by, for any seed', async () => {
    for (const seed of SEEDS) {
      const whole = drawSchedule(seed);
      const kind = whole.faults[0]?.kind;
      const run = failsIf((one) => hasCall(one) && one.faults.some((fault) => fault.kind === kind));
      const { schedule, failure } = await shrinkSchedule(whole, FAILURE, { run, isTimeUp: never });
      expect(failure).toBe(FAILURE);
      expect(schedule.faults.map((fault) => fault.kind)).toEqual([kind]);
      expect(callsOf(schedule).map(({ call }) => call.kind)).toEqual(['increment']);
      expect(schedule.clients.map(({ threads }) => threads.length)).toEqual([1]);
      expect(schedule.cluster.nodes).toBe(1);
      expect(schedule.cluster.limits).toEqual({});
      expect(schedule.majority).toEqual(['n1']);
    }
  });

  it('takes a failure of another sort for a success', async () => {
    const other = new RunFailure('safety', 'election safety', 'two primaries');
    // Of few calls: each is left out in vain.
    const whole = drawSchedule(12);
    const { schedule, failure } = await shrinkSchedule(whole, FAILURE, {
      run: async () => other,
      isTimeUp: never,
    });
    expect(schedule).toBe(whole);
    expect(failure).toBe(FAILURE);
  });

  it('ends when time is up, with the smallest found so far', async () => {
    let left = 5;
    const { schedule, runs } = await shrinkSchedule(drawSchedule(4), FAILURE, {
      run: failsIf(() => true),
      isTimeUp: () => left-- <= 0,
    });
    expect(runs).toBeLessThanOrEqual(5);
    expect(sizeOf(schedule)).toBeLessThan(sizeOf(drawSchedule(4)));
  });

  it('makes a call that stays about when it was made', () => {
    const whole = drawSchedule(2);
    const calls = callsOf(whole).filter((_, place) => place % 3 === 0);
    const made = callsOf(withCalls(whole, calls));
    expect(made.map(({ call }) => call.kind)).toEqual(calls.map(({ call }) => call.kind));
    for (const [place, { afterMs }] of calls.entries()) expect(made[place]!.afterMs).toBeCloseTo(afterMs, 2);
  });

  it('keeps a majority of fewer nodes up', () => {
    for (const seed of SEEDS) {
      const whole = drawSchedule(seed);
      for (let nodes = 1; nodes <= whole.cluster.nodes; nodes += 1) {
        const { majority } = withNodes(whole, nodes);
        expect(majority.length).toBeGreaterThan(nodes / 2);
        expect(majority.every((name) => Number(name.slice(1)) <= nodes)).toBe(true);
      }
    }
  });
});
