import type { Revision } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  abortOrdered,
  firstSteps,
  isOver,
  nextMove,
  resumeOrdered,
  type SagaChange,
  type SagaRecord,
  stepDone,
  stepFailed,
  stepUndone,
  TENURES_MAX,
  taken,
  turned,
  undoFailed,
} from '../../src/sagas/saga-record.ts';

const NAMES = ['reserve', 'charge', 'ship'];
const FAILURE = { message: 'no' };

const fresh: SagaRecord = {
  type: 'order',
  id: '42',
  state: 'running',
  input: {},
  steps: firstSteps(NAMES),
  token: 0 as Revision,
  moves: 0,
  incarnation: '1',
  startedAt: 0,
  changedAt: 0,
};

function after(record: SagaRecord, ...changes: ((record: SagaRecord) => SagaChange)[]): SagaRecord {
  let latest = record;
  for (const change of changes) latest = { ...latest, ...change(latest) };
  return latest;
}

const done = (record: SagaRecord): SagaChange => stepDone(record, NAMES, `${record.steps.length}`);
const failed = (record: SagaRecord): SagaChange => stepFailed(record, FAILURE);

describe('a saga', () => {
  test('runs its steps in order and is completed after the last', () => {
    expect(nextMove(fresh)).toEqual({ kind: 'run', place: 0 });
    expect(nextMove(after(fresh, done))).toEqual({ kind: 'run', place: 1 });
    const end = after(fresh, done, done, done);
    expect(end.state).toBe('completed');
    expect(end.steps.map(({ result }) => result)).toEqual(['1', '2', '3']);
    expect(nextMove(end)).toEqual({ kind: 'rest' });
  });

  test('takes back the step that failed, then those before it, the newest first', () => {
    const turning = after(fresh, done, failed);
    expect(turning).toMatchObject({ state: 'compensating', failure: { step: 'charge', message: 'no' } });
    expect(nextMove(turning)).toEqual({ kind: 'undo', place: 1 });
    expect(nextMove(after(turning, stepUndone))).toEqual({ kind: 'undo', place: 0 });
    expect(after(turning, stepUndone, stepUndone).state).toBe('compensated');
  });

  test('is stuck when a compensation fails, and goes on from there when told to', () => {
    const stuck = after(fresh, done, failed, stepUndone, (record) => undoFailed(record, FAILURE));
    expect(stuck).toMatchObject({ state: 'stuck', obstacle: { step: 'reserve' } });
    expect(nextMove(stuck)).toEqual({ kind: 'rest' });
    const resumed = after(stuck, (record) => resumeOrdered(record)!);
    expect(resumed.obstacle).toBeUndefined();
    expect(nextMove(resumed)).toEqual({ kind: 'undo', place: 0 });
    expect(after(resumed, stepUndone).state).toBe('compensated');
    expect(resumeOrdered(resumed)).toBeUndefined();
  });

  test('turns when an abort was ordered, with the result of the step that was under way', () => {
    const ordered = after(fresh, done, (record) => abortOrdered(record, 'changed my mind')!);
    expect(nextMove(ordered)).toEqual({ kind: 'turn' });
    const turning = after(ordered, done);
    expect(turning).toMatchObject({ state: 'compensating', failure: { message: 'changed my mind' } });
    expect(turning.steps.map(({ name, state, result }) => [name, state, result])).toEqual([
      ['reserve', 'done', '1'],
      ['charge', 'done', '2'],
    ]);
    expect(after(ordered, turned).state).toBe('compensating');
    expect(after(ordered, taken).state).toBe('compensating');
    expect(abortOrdered(ordered, 'again')).toBeUndefined();
    expect(abortOrdered(turning, 'again')).toBeUndefined();
  });

  test('fails at a step that ends every process that tries it, and is stuck at such a compensation', () => {
    let record = fresh;
    for (let tenure = 0; tenure < TENURES_MAX; tenure++) {
      record = after(record, taken);
      expect(record.state).toBe('running');
    }
    record = after(record, taken);
    expect(record).toMatchObject({ state: 'compensating', failure: { step: 'reserve' } });
    for (let tenure = 1; tenure < TENURES_MAX; tenure++) record = after(record, taken);
    expect(record.state).toBe('compensating');
    expect(after(record, taken)).toMatchObject({ state: 'stuck', obstacle: { step: 'reserve' } });
  });

  test('ends, whatever happens, with all steps done or all that were begun undone', () => {
    const choices = fc.array(fc.constantFrom('ok', 'ok', 'ok', 'fail', 'abort', 'take'), { maxLength: 60 });
    fc.assert(
      fc.property(choices, (events) => {
        let record = fresh;
        for (const event of [...events, ...Array.from({ length: 40 }, () => 'ok')]) {
          if (event === 'abort') record = after(record, (before) => abortOrdered(before, 'stop') ?? {});
          else if (event === 'take') record = after(record, taken);
          else record = after(record, (before) => moved(before, event === 'ok'));
          expect(record.steps.map(({ name }) => name)).toEqual(NAMES.slice(0, record.steps.length));
        }
        expect(isOver(record.state)).toBe(true);
        const states = new Set(record.steps.map(({ state }) => state));
        if (record.state === 'completed') expect([record.steps.length, ...states]).toEqual([3, 'done']);
        if (record.state === 'compensated') expect([...states]).toEqual(['undone']);
        if (record.state === 'stuck') expect(record.obstacle).toBeDefined();
      }),
    );
  });
});

function moved(record: SagaRecord, isOk: boolean): SagaChange {
  const move = nextMove(record);
  switch (move.kind) {
    case 'run':
      return isOk ? done(record) : failed(record);
    case 'undo':
      return isOk ? stepUndone(record) : undoFailed(record, FAILURE);
    case 'turn':
      return turned(record);
    case 'rest':
      return {};
  }
}
