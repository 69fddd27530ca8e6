import type { FoundValue, OpenStep } from './accounting.ts';

interface Step {
  readonly by: number;
  state:
    | { readonly kind: 'open' | 'failed' | 'unknown' }
    | { readonly kind: 'acknowledged'; readonly value: number };
}

/** Beyond this many different sums of unknown steps, only their bounds are looked at. */
const SUMS_MAX = 100_000;

/** One counter: every acknowledged step counts once, an unknown one at most once, a failed one never. */
export class CounterLedger {
  readonly #key: string;
  readonly #steps: Step[] = [];

  constructor(key: string) {
    this.#key = key;
  }

  open(by: number): OpenStep {
    const step: Step = { by, state: { kind: 'open' } };
    this.#steps.push(step);
    const settle = (state: Step['state']): void => {
      if (step.state.kind !== 'open') throw new Error(`a step of counter ${this.#key} was answered already`);
      step.state = state;
    };
    return {
      acknowledged: (value) => settle({ kind: 'acknowledged', value }),
      failed: () => settle({ kind: 'failed' }),
      unknown: () => settle({ kind: 'unknown' }),
    };
  }

  judge(found: FoundValue | undefined): string[] {
    return [...this.#repeatedAnswers(), ...this.#judgeTotal(found)];
  }

  #judgeTotal(found: FoundValue | undefined): string[] {
    const value = found === undefined ? 0 : Number(found.value);
    const acknowledged = this.#steps.filter(({ state }) => state.kind === 'acknowledged');
    const total = sum(acknowledged.map(({ by }) => by));
    const unknown = this.#steps.filter(({ state }) => state.kind === 'unknown' || state.kind === 'open');
    if (
      canSum(
        unknown.map(({ by }) => by),
        value - total,
      )
    )
      return [];
    const doubt =
      unknown.length === 0
        ? ''
        : `, with ${unknown.length} unknown steps of ${sum(unknown.map(({ by }) => by))} in all`;
    return [
      `counter ${this.#key} holds ${found?.value ?? 'nothing'}, but its acknowledged steps make ${total}${doubt}`,
    ];
  }

  /** With steps of one sign, no two of them may have been told the same value. */
  #repeatedAnswers(): string[] {
    const hasOneSign = this.#steps.every(({ by }) => by > 0) || this.#steps.every(({ by }) => by < 0);
    if (!hasOneSign) return [];
    const told = new Set<number>();
    const problems: string[] = [];
    for (const { state } of this.#steps) {
      if (state.kind !== 'acknowledged') continue;
      if (told.has(state.value))
        problems.push(`counter ${this.#key}: two steps were told that they made it ${state.value}`);
      told.add(state.value);
    }
    return problems;
  }
}

/** Can some of the numbers, each used at most once, add up to `wanted`? */
function canSum(numbers: readonly number[], wanted: number): boolean {
  let sums = new Set([0]);
  for (const number of numbers) {
    const next = new Set(sums);
    for (const reached of sums) next.add(reached + number);
    if (next.size > SUMS_MAX) return isWithinBounds(numbers, wanted);
    sums = next;
  }
  return sums.has(wanted);
}

function isWithinBounds(numbers: readonly number[], wanted: number): boolean {
  return (
    wanted >= sum(numbers.filter((number) => number < 0)) &&
    wanted <= sum(numbers.filter((number) => number > 0))
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
