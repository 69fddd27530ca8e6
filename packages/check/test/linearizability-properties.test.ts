import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  counterModel,
  keyValueModel,
  type Model,
  type Operation,
  registerModel,
} from '../src/index.ts';
import { canFollow, isLinearizableByBruteForce } from './support/brute-force.ts';
import { historyOf, type PlannedOperation, plans, type RealObject } from './support/random-history.ts';
import { RealCounter, RealKeyValue, RealRegister } from './support/real-objects.ts';

const numRuns = process.env.HOLDFAST_LONG === '1' ? 40_000 : 2000;
const parameters = { numRuns };
const fewer = { numRuns: numRuns / 4 };

const truthful = (plan: PlannedOperation[]): PlannedOperation[] =>
  plan.map((item) => ({ ...item, lie: undefined }));

function describeModel<State, Action>(
  model: Model<State, Action>,
  ops: readonly PlannedOperation['op'][],
  newObject: () => RealObject,
): void {
  describe(model.name, () => {
    it('is judged as a brute-force search judges it', () => {
      const verdicts = { ok: 0, bad: 0 };
      fc.assert(
        fc.property(plans(ops, 7), (plan) => {
          const history = historyOf(plan, newObject);
          const expected = isLinearizableByBruteForce(model, history) ? 'ok' : 'bad';
          verdicts[expected] += 1;
          expect(checkLinearizable(model, history).verdict).toBe(expected);
        }),
        parameters,
      );
      // Random histories that are nearly all of one kind would prove little.
      expect(Math.min(verdicts.ok, verdicts.bad) / (verdicts.ok + verdicts.bad)).toBeGreaterThan(0.15);
    });

    it('accepts whatever a real object does', () => {
      fc.assert(
        fc.property(plans(ops, 40).map(truthful), (plan) => {
          expect(checkLinearizable(model, historyOf(plan, newObject)).verdict).toBe('ok');
        }),
        fewer,
      );
    });

    it('shows a window that is itself not linearizable and holds the failing operation', () => {
      fc.assert(
        fc.property(plans(ops, 7), (plan) => {
          const { counterexample } = checkLinearizable(model, historyOf(plan, newObject));
          if (counterexample === undefined) return;
          const { operations, failing, text } = counterexample;
          expect(operations).toContain(failing);
          expect(text.split('\n').filter((line) => line.includes('no order explains this'))).toHaveLength(1);
          if (counterexample.startStates.join() !== model.describeState(model.initial)) return;
          expect(canFollow(model, model.initial, asSeenUntil(failing.answeredAt, operations))).toBe(false);
        }),
        fewer,
      );
    });
  });
}

/** What was answered later may have happened or not. */
function asSeenUntil(moment: number, operations: readonly Operation[]): Operation[] {
  return operations.map((item) => (item.answeredAt <= moment ? item : { ...item, answeredAt: Infinity }));
}

describeModel(registerModel, ['get', 'get', 'put', 'cas', 'delete'], () => new RealRegister());
describeModel(counterModel, ['get', 'increment'], () => new RealCounter());
describeModel(keyValueModel, ['get', 'get', 'put', 'delete'], () => new RealKeyValue());
