import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RunNames } from '../../src/kernel/run-names.ts';
import { check } from '../support/property.ts';

const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const now = fc.double({ min: 0, max: 1000 * 3600 * 24 * 365, noNaN: true });

describe('the names of a run', () => {
  test('give a moment back as it was, or less than a microsecond earlier', () => {
    check(
      fc.property(seed, now, now, (run, at, later) => {
        const names = new RunNames(run);
        const moment = names.momentOf(names.nameOf(at), at + later);
        expect(moment).toBeLessThanOrEqual(at);
        expect(moment).toBeGreaterThan(at - 0.001);
      }),
      500,
    );
  });

  test('are no moments that are still to come, and none before it began', () => {
    const names = new RunNames(7);
    expect(names.momentOf(names.nameOf(501), 500)).toBeUndefined();
    expect(new RunNames(8).momentOf(names.nameOf(500), 1_000_000)).toBeUndefined();
  });

  test('are safe integers for questions, others than those of the run before', () => {
    check(
      fc.property(seed, seed, (one, other) => {
        fc.pre(one !== other);
        const question = new RunNames(one).nextQuestion();
        expect(Number.isSafeInteger(question)).toBe(true);
        expect(new RunNames(other).nextQuestion()).not.toBe(question);
      }),
      300,
    );
  });
});
