import { TransientMap } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const STEP = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('set' as const), key: fc.nat(300), value: fc.nat() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('churn' as const), key: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

/** Enough additions for the map to move to a new table. */
const CHURN = 400;

describe('a map of what comes and goes', () => {
  it('is what a Map is, in order of insertion, also across moves to a new table', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
        const map = new TransientMap<number, number>();
        const model = new Map<number, number>();
        for (const step of steps) {
          if (step.kind === 'set') {
            map.set(step.key, step.value);
            model.set(step.key, step.value);
          } else if (step.kind === 'delete') {
            expect(map.delete(step.key)).toBe(model.delete(step.key));
          } else if (step.kind === 'clear') {
            map.clear();
            model.clear();
          } else {
            for (let count = 0; count < CHURN; count++) {
              map.set(step.key, count);
              map.delete(step.key);
            }
            model.delete(step.key);
          }
          expect(map.size).toBe(model.size);
        }
        expect([...map]).toEqual([...model]);
        expect([...map.keys()]).toEqual([...model.keys()]);
        expect([...map.values()]).toEqual([...model.values()]);
        for (let key = 0; key <= 300; key++) {
          expect(map.has(key)).toBe(model.has(key));
          expect(map.get(key)).toBe(model.get(key));
        }
      }),
    );
  });
});
