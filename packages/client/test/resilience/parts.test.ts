import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArrivalRate } from '../../src/resilience/arrival-rate.ts';
import { NodeBreaker } from '../../src/resilience/node-breaker.ts';
import { ReleaseGate } from '../../src/resilience/release-gate.ts';
import { RESILIENCE_LIMITS } from '../../src/resilience/resilience-limits.ts';
import { Retries } from '../../src/resilience/retries.ts';
import { RetryBudget } from '../../src/resilience/retry-budget.ts';
import { Tally } from '../../src/resilience/tally.ts';
import { pauseMs } from '../../src/session/rest.ts';

const { retry, breaker: breakerLimits, release } = RESILIENCE_LIMITS;
const RUNS = {
  numRuns: process.env.HOLDFAST_LONG === '1' ? 20_000 : 500,
};

describe('retry budget', () => {
  test('repeats are a bounded share of the calls, whatever is answered and whenever', () => {
    const event = fc.constantFrom('call', 'call', 'refused', 'refused', 'refused', 'succeeded', 'wait');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 400, size: 'max' }), (events) => {
        const tally = new Tally();
        let now = 1;
        const budget = new RetryBudget(retry, now);
        const retries = new Retries(budget, tally);
        let calls = 0;
        for (const what of events) {
          const call = newCall();
          if (what === 'call') {
            expect(retries.admit(call, 1)).toBe(true);
            calls += 1;
          } else if (what === 'refused') {
            call.attempts = 1;
            call.term = 1;
            retries.admit(call, 1);
          } else if (what === 'succeeded') {
            budget.succeeded(false);
          } else {
            now += 10;
            budget.tick(now);
          }
        }
        const bound =
          retry.budgetMax + events.length * retry.budgetPerSuccess + (now * retry.budgetPerSecond) / 1000;
        expect(tally.retries).toBeLessThanOrEqual(bound);
        expect(tally.attempts).toBe(calls + tally.retries);
        expect(budget.tokens).toBeLessThanOrEqual(retry.budgetMax);
        expect(budget.tokens).toBeGreaterThanOrEqual(0);
      }),
      RUNS,
    );
  });

  test('a repeat that succeeds costs nothing', () => {
    const budget = new RetryBudget(retry, 0);
    for (let count = 0; count < 1000; count += 1) {
      budget.take();
      budget.succeeded(true);
    }
    expect(budget.tokens).toBe(retry.budgetMax);
  });

  test('a redelivery to a primary of a new term is free, once per call and term', () => {
    const tally = new Tally();
    const budget = new RetryBudget({ ...retry, budgetMax: 1 }, 0);
    const retries = new Retries(budget, tally);
    const call = newCall();
    expect(retries.admit(call, 1)).toBe(true);
    expect(retries.admit(call, 2)).toBe(true);
    expect(budget.tokens).toBe(1);
    // The second to the same primary is charged, the third finds nothing left, the next primary is free again.
    expect(retries.admit(call, 2)).toBe(true);
    expect(budget.tokens).toBe(0);
    expect(retries.admit(call, 2)).toBe(false);
    expect(retries.admit(call, 2)).toBe(false);
    expect(retries.admit(call, 3)).toBe(true);
    expect(tally).toMatchObject({ attempts: 4, retries: 1, redeliveries: 2, retriesHeld: 1 });
  });

  test('pauses are drawn from nought to their bound, beyond what the node asked for', () => {
    expect(pauseMs({ boundMs: 100, retryAfterMs: undefined, random: 0 })).toBe(1);
    expect(pauseMs({ boundMs: 100, retryAfterMs: undefined, random: 0.5 })).toBe(50);
    expect(pauseMs({ boundMs: 100, retryAfterMs: 30, random: 0.5 })).toBe(80);
    expect(pauseMs({ boundMs: 100, retryAfterMs: 60_000, random: 0 })).toBe(1000);
  });
});

describe('breaker', () => {
  const served = { latencyMs: 1, served: true };
  const newBreaker = (): NodeBreaker => new NodeBreaker(breakerLimits, () => 0.5);

  test('opens on a share of refusals in a window, and not on a few', () => {
    const breaker = newBreaker();
    breaker.answered(19, served, 0);
    for (let count = 0; count < 19; count += 1) breaker.refused();
    breaker.tick(10);
    expect(breaker.state).toBe('closed');
    breaker.answered(1, served, 10);
    breaker.tick(20);
    expect(breaker).toMatchObject({ state: 'open', cause: 'failures', holdsBack: true });
  });

  test('forgets what is older than its window', () => {
    const breaker = newBreaker();
    breaker.tick(0);
    breaker.missed(15, 0);
    breaker.tick(600);
    breaker.tick(1200);
    breaker.missed(15, 1200);
    breaker.tick(1210);
    expect(breaker.state).toBe('closed');
  });

  test('opens on slow answers, without holding back what only that node can do', () => {
    const breaker = newBreaker();
    breaker.answered(20, { latencyMs: 1000, served: true }, 0);
    breaker.tick(10);
    expect(breaker).toMatchObject({ state: 'open', cause: 'slow', holdsBack: false });
  });

  test('opens when the oldest call waits for longer than an answer may take', () => {
    const breaker = newBreaker();
    breaker.sent(5);
    breaker.tick(1000);
    expect(breaker.state).toBe('closed');
    breaker.tick(1005);
    expect(breaker).toMatchObject({ state: 'open', cause: 'slow' });
  });

  test('one probe at a time: its answer closes it, its refusal or silence opens it for longer', () => {
    const breaker = newBreaker();
    breaker.missed(20, 0);
    breaker.tick(0);
    expect(breaker.mayProbe(374)).toBe(false);
    expect(breaker.mayProbe(375)).toBe(true);
    breaker.probing(375);
    expect(breaker.state).toBe('half-open');
    expect(breaker.mayProbe(376)).toBe(false);
    breaker.answered(1, { latencyMs: 1, served: false }, 380);
    expect(breaker.state).toBe('open');
    expect(breaker.mayProbe(380 + 749)).toBe(false);
    expect(breaker.mayProbe(380 + 750)).toBe(true);
    breaker.probing(1130);
    breaker.tick(2129);
    expect(breaker.state).toBe('half-open');
    breaker.tick(2130);
    expect(breaker.state).toBe('open');
    breaker.probing(3000);
    breaker.answered(1, served, 3001);
    expect(breaker).toMatchObject({ state: 'closed', cause: undefined });
  });

  test('a sign of life closes one that opened for silence, and no other', () => {
    const breaker = newBreaker();
    breaker.silent(true, 0);
    expect(breaker).toMatchObject({ state: 'open', cause: 'silent' });
    breaker.silent(false, 10);
    expect(breaker.state).toBe('closed');
    breaker.missed(20, 10);
    breaker.tick(10);
    breaker.silent(false, 20);
    expect(breaker.state).toBe('open');
  });
});

describe('release', () => {
  /** Moments at which calls that waited may go, for one client. */
  function releases(options: { outageMs: number; waiting: number; perMs: number; seed: number }): number[] {
    const { outageMs, waiting, perMs } = options;
    let state = options.seed * 7919 + 17;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const gate = new ReleaseGate(release, random);
    gate.lost({ since: 0, arrivals: 0, perMs });
    gate.found({ now: outageMs, arrivals: waiting, waiting });
    const moments: number[] = [];
    for (let now = outageMs; moments.length < waiting && now < outageMs + 60_000; now += 1) {
      while (moments.length < waiting && gate.admits(true, now)) {
        gate.went(true, now);
        moments.push(now - outageMs);
        if (moments.length === waiting) break;
      }
    }
    return moments;
  }

  test('after a short outage everybody goes within a tenth of it, spread over all of it', () => {
    const all = Array.from({ length: 50 }, (_, client) =>
      releases({ outageMs: 60, waiting: 20, perMs: 0.1, seed: client + 1 }),
    ).flat();
    expect(all).toHaveLength(1000);
    expect(Math.max(...all)).toBeLessThanOrEqual(6);
    for (let from = 0; from < 6; from += 2) {
      const share = all.filter((at) => at > from && at <= from + 2).length / all.length;
      expect(share).toBeGreaterThan(0.2);
    }
  });

  test('after a long one they add less than half of the calls that come anyway, in every tenth of a second', () => {
    const perMs = 0.01;
    const clients = 200;
    const all = Array.from({ length: clients }, (_, client) =>
      releases({ outageMs: 5000, waiting: 50, perMs, seed: client + 1 }),
    ).flat();
    const buckets = Array.from({ length: 40 }, (_, bucket) => {
      const from = bucket * 100;
      return all.filter((at) => at >= from && at < from + 100).length;
    });
    expect(Math.max(...buckets)).toBeLessThanOrEqual(0.5 * perMs * clients * 100);
    expect(buckets[0]).toBeGreaterThan(0);
  });

  test('new calls wait only while all that waited go at once', () => {
    const gate = new ReleaseGate(release, () => 0.5);
    gate.lost({ since: 0, arrivals: 0, perMs: 1 });
    expect(gate.admits(false, 50)).toBe(true);
    gate.found({ now: 60, arrivals: 60, waiting: 60 });
    expect(gate.admits(false, 61)).toBe(false);
    expect(gate.dueAt(61)).toBeLessThan(66);
    expect(gate.admits(false, 66)).toBe(true);
    expect(gate.dueAt(66)).toBeUndefined();
    gate.lost({ since: 100, arrivals: 100, perMs: 1 });
    gate.found({ now: 5100, arrivals: 5100, waiting: 5000 });
    expect(gate.admits(false, 5101)).toBe(true);
    expect(gate.isOvertaken).toBe(true);
  });

  test('who waited through a long one does not go at once after a short one that follows', () => {
    const gate = new ReleaseGate(release, () => 0.5);
    gate.lost({ since: 0, arrivals: 0, perMs: 0.01 });
    gate.found({ now: 5000, arrivals: 50, waiting: 50 });
    gate.lost({ since: 5020, arrivals: 50, perMs: 0.01 });
    gate.found({ now: 5100, arrivals: 51, waiting: 50 });
    let went = 0;
    for (let now = 5100; now < 5200; now += 1) {
      for (; gate.admits(true, now); went += 1) gate.went(true, now);
    }
    expect(went).toBeLessThanOrEqual(1);
    gate.done();
    gate.lost({ since: 9000, arrivals: 100, perMs: 0.01 });
    gate.found({ now: 9060, arrivals: 101, waiting: 1 });
    expect(gate.dueAt(9060)).toBeLessThanOrEqual(9066);
  });

  test('a new call that goes behind those that waited gives its place to them', () => {
    const gate = new ReleaseGate(release, () => 0.5);
    gate.lost({ since: 0, arrivals: 0, perMs: 0.01 });
    gate.found({ now: 5000, arrivals: 50, waiting: 50 });
    // No tenth of the outage is left, and the next one is not due.
    while (gate.admits(true, 5501)) gate.went(true, 5501);
    gate.joined();
    expect(gate.dueAt(5501)).toBe(5501);
    expect(gate.admits(true, 5501)).toBe(true);
    gate.went(true, 5501);
    expect(gate.admits(true, 5501)).toBe(false);
  });

  test('nobody waited: nothing is held back', () => {
    const gate = new ReleaseGate(release, () => 0.5);
    gate.lost({ since: 0, arrivals: 0, perMs: 1 });
    gate.found({ now: 5000, arrivals: 0, waiting: 0 });
    expect(gate.admits(false, 5000)).toBe(true);
    expect(gate.dueAt(5000)).toBeUndefined();
  });
});

test('the rate of calls is that of the last half to whole second', () => {
  const rate = new ArrivalRate(0);
  for (let now = 10; now <= 5000; now += 10) rate.sample(now, now / 5);
  expect(rate.perMs(5000, 1000)).toBeCloseTo(0.2, 5);
  for (let now = 5010; now <= 7000; now += 10) rate.sample(now, 1000);
  expect(rate.perMs(7000, 1000)).toBe(0);
});

function newCall(): { attempts: number; term: number; isCharged: boolean; isHeld: boolean } {
  return { attempts: 0, term: 0, isCharged: false, isHeld: false };
}
