import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  counterModel,
  type HistoryEvent,
  keyValueModel,
  registerModel,
} from '../src/index.ts';

/** Lines of process, type, operation, key and the other fields as JSON, for histories that read like a story. */
function history(...lines: string[]): HistoryEvent[] {
  return lines.map((line) => {
    const [process, type, op, key, fields = '{}'] = line.split(' ');
    return { process, type, op, key, ...JSON.parse(fields) } as HistoryEvent;
  });
}

describe('checkLinearizable', () => {
  it('accepts a history without events', () => {
    expect(checkLinearizable(registerModel, [])).toEqual({ verdict: 'ok', steps: 0 });
  });

  it('refuses a stale read and shows the smallest window of it', () => {
    const { verdict, key, counterexample } = checkLinearizable(
      registerModel,
      history(
        'a invoke put x {"value":1}',
        'a ok put x',
        'a invoke get y',
        'a ok get y {"value":null}',
        'a invoke put x {"value":2}',
        'b invoke get x',
        'b ok get x {"value":1}',
        'a ok put x',
        'b invoke get x',
        'b ok get x {"value":2}',
        'b invoke get x',
        'b ok get x {"value":1}',
      ),
    );
    expect({ verdict, key }).toEqual({ verdict: 'bad', key: 'x' });
    expect(counterexample?.text).toBe(
      [
        'key "x" is not linearizable (model register)',
        'at the beginning it holds 2',
        '  event 11: process b begins get → 1',
        '  event 12: process b ends   get → 1   <-- no order explains this',
        'just before the failing answer it can have held 2',
      ].join('\n'),
    );
  });

  it('lets an operation without an answer take effect long after, once, or never', () => {
    const unknown = ['a invoke put x {"value":1}', 'a info put x'];
    const reads = (...values: (number | null)[]): string[] =>
      values.flatMap((value) => ['b invoke get x', `b ok get x {"value":${value}}`]);
    const verdict = (...lines: string[]): string =>
      checkLinearizable(registerModel, history(...lines)).verdict;
    expect(verdict(...unknown, ...reads(null, null, 1, 1))).toBe('ok');
    expect(verdict(...unknown, ...reads(null, null))).toBe('ok');
    expect(verdict(...unknown, ...reads(null, 1, null))).toBe('bad');
    expect(verdict(...reads(1), ...unknown)).toBe('bad');
  });

  it('does not let a failed operation take effect', () => {
    const events = history(
      'a invoke put x {"value":1}',
      'a fail put x',
      'a invoke get x',
      'a ok get x {"value":1}',
    );
    expect(checkLinearizable(registerModel, events).verdict).toBe('bad');
  });

  it('counts an increment that was done twice, and one that was lost', () => {
    const counted = (...values: number[]): string =>
      checkLinearizable(
        counterModel,
        history(
          ...values.flatMap((value) => [
            'a invoke increment c {"value":1}',
            `a ok increment c {"value":${value}}`,
          ]),
        ),
      ).verdict;
    expect([counted(1, 2, 3), counted(1, 3), counted(1, 1)]).toEqual(['ok', 'bad', 'bad']);
  });

  it('wants revisions that grow, and reads and conditions that agree with them', () => {
    const put = ['a invoke put x {"value":"v"}', 'a ok put x {"revision":7}'];
    const read = (revision: number): string[] => [
      'b invoke get x',
      `b ok get x {"value":"v","revision":${revision}}`,
    ];
    const verdict = (...lines: string[]): string =>
      checkLinearizable(keyValueModel, history(...lines)).verdict;
    expect(verdict(...put, ...read(7))).toBe('ok');
    expect(verdict(...put, ...read(8))).toBe('bad');
    expect(verdict(...put, 'a invoke put x {"value":"w"}', 'a ok put x {"revision":7}')).toBe('bad');
    const conditional = 'a invoke put x {"value":"w","ifRevision":6}';
    expect(verdict(...put, conditional, 'a ok put x {"swapped":false,"revision":7}')).toBe('ok');
    expect(verdict(...put, conditional, 'a ok put x {"revision":8}')).toBe('bad');
    // A write whose answer was lost has one revision, whichever that is.
    const lost = ['a invoke put x {"value":"v"}', 'a info put x'];
    expect(verdict(...lost, ...read(9), ...read(9))).toBe('ok');
    expect(verdict(...lost, ...read(9), ...read(10))).toBe('bad');
  });

  it('leaves out reads that asked for less', () => {
    const stale = (consistency: string): string =>
      checkLinearizable(
        registerModel,
        history(
          'a invoke put x {"value":1}',
          'a ok put x',
          `b invoke get x {"consistency":"${consistency}"}`,
          'b ok get x {"value":null}',
        ),
      ).verdict;
    expect([stale('linearizable'), stale('session'), stale('eventual')]).toEqual(['bad', 'ok', 'ok']);
  });

  it('gives up at its limits instead of running for ever', () => {
    const events = history(
      'a invoke put x {"value":1}',
      'a ok put x',
      'a invoke get x',
      'a ok get x {"value":1}',
    );
    expect(checkLinearizable(registerModel, events, { stepsMax: 1 })).toEqual({
      verdict: 'undecided',
      key: 'x',
      steps: 1,
    });
    let now = 0;
    const many = Array.from({ length: 3000 }, (_, at) =>
      history(`p${at} invoke put x {"value":${at}}`, `p${at} ok put x`),
    ).flat();
    const clock = { now: () => now++ };
    expect(checkLinearizable(registerModel, many, { timeLimitMs: 1, clock }).verdict).toBe('undecided');
  });

  it('finds a plain violation on one key beside another that is too hard', () => {
    const hard = Array.from({ length: 40 }, (_, at) => `h${at} invoke put hard {"value":${at}}`);
    const events = history(
      ...hard,
      'z invoke get hard',
      'z ok get hard {"value":-1}',
      'a invoke get x',
      'a ok get x {"value":5}',
    );
    expect(checkLinearizable(registerModel, events, { stepsMax: 1000 })).toMatchObject({
      verdict: 'bad',
      key: 'x',
    });
  });

  it.each([
    [
      ['a invoke get x', 'a invoke get x'],
      'history event 2: process a (get x) invokes while it waits for an answer',
    ],
    [['a ok get x'], 'history event 1: process a (get x) is answered without having invoked'],
    [['a invoke get x', 'a ok get y'], 'history event 2: process a (get y) invoked get x'],
  ])('refuses a malformed history: %j', (lines, message) => {
    expect(() => checkLinearizable(registerModel, history(...lines))).toThrow(message);
  });
});
