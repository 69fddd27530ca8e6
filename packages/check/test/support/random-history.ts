import fc from 'fast-check';
import type { HistoryEvent, HistoryValue } from '../../src/index.ts';

/** One operation of a plan: when it is invoked, takes effect and is answered, as offsets that are sorted later. */
export interface PlannedOperation {
  readonly key: string;
  readonly invokeAt: number;
  readonly effectAfter: number;
  readonly answerAfter: number;
  readonly fate: 'ok' | 'lost' | 'never' | 'fail';
  /** Tells a lie instead of the true answer, if there is something to lie about. */
  readonly lie: HistoryValue | undefined;
  readonly op: 'get' | 'put' | 'cas' | 'delete' | 'increment';
  readonly value: number;
  readonly expected: number | null;
}

/** A real object that the plan is carried out on: returns the completion's fields. */
export interface RealObject {
  apply(operation: PlannedOperation): Partial<HistoryEvent>;
  /** The answer with the lie in it. */
  lie(answer: Partial<HistoryEvent>, operation: PlannedOperation): Partial<HistoryEvent>;
}

export function plans(
  ops: readonly PlannedOperation['op'][],
  countMax: number,
): fc.Arbitrary<PlannedOperation[]> {
  const operation: fc.Arbitrary<PlannedOperation> = fc.record({
    key: fc.constantFrom('a', 'a', 'a', 'b'),
    invokeAt: fc.integer({ min: 0, max: 24 }),
    effectAfter: fc.integer({ min: 0, max: 8 }),
    answerAfter: fc.integer({ min: 0, max: 8 }),
    fate: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'ok', 'lost', 'never', 'fail'),
    lie: fc.option(fc.integer({ min: 0, max: 4 }), { freq: 6, nil: undefined }),
    op: fc.constantFrom(...ops),
    value: fc.integer({ min: 0, max: 3 }),
    expected: fc.constantFrom(0, 1, 2, 3, null),
  });
  return fc.array(operation, { minLength: 1, maxLength: countMax });
}

/** Carries the plan out: every operation its own process, effects in order of their moments. */
export function historyOf(plan: readonly PlannedOperation[], newObject: () => RealObject): HistoryEvent[] {
  const moments: { at: number; run: () => void }[] = [];
  const events: HistoryEvent[] = [];
  const objects = new Map<string, RealObject>();
  for (const [process, operation] of plan.entries()) {
    const { key, op, fate } = operation;
    const effectAt = operation.invokeAt + operation.effectAfter;
    let answer: Partial<HistoryEvent> = {};
    moments.push({
      at: operation.invokeAt,
      run: () => events.push({ process, type: 'invoke', op, key, ...invocationOf(operation) }),
    });
    if (fate === 'ok' || fate === 'lost') {
      moments.push({
        at: effectAt,
        run: () => {
          const object = objects.get(key) ?? newObject();
          objects.set(key, object);
          answer = object.apply(operation);
          if (operation.lie !== undefined) answer = object.lie(answer, operation);
        },
      });
    }
    if (fate === 'never') continue;
    const type = fate === 'lost' ? 'info' : fate;
    moments.push({
      at: effectAt + operation.answerAfter,
      run: () => events.push({ process, type, op, key, ...(type === 'ok' ? answer : {}) }),
    });
  }
  moments.sort((a, b) => a.at - b.at);
  for (const { run } of moments) run();
  return events;
}

function invocationOf(operation: PlannedOperation): Partial<HistoryEvent> {
  if (operation.op === 'cas') return { value: [operation.expected, operation.value] };
  if (operation.op === 'get' || operation.op === 'delete') return {};
  return { value: operation.value };
}
