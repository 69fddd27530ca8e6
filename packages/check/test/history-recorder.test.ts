import { describe, expect, it } from 'vitest';
import {
  formatHistory,
  type HistoryEvent,
  HistoryRecorder,
  pairOperations,
  parseHistory,
} from '../src/index.ts';

function newRecorder(onEvent?: (event: HistoryEvent) => void): HistoryRecorder {
  let now = 0;
  return new HistoryRecorder({ clock: { now: () => ++now }, ...(onEvent && { onEvent }) });
}

describe('HistoryRecorder', () => {
  it('gives each operation under way a process of its own and uses idle ones again', () => {
    const recorder = newRecorder();
    const first = recorder.invoke({ client: 'c', op: 'put', key: 'x', value: 1 });
    const second = recorder.invoke({ client: 'c', op: 'get', key: 'x', consistency: 'linearizable' });
    second.ok({ value: 1, revision: 4 });
    first.ok({ revision: 4 });
    recorder.invoke({ client: 'c', op: 'delete', key: 'x' });
    expect(recorder.events.map(({ process }) => process)).toEqual(['c.0', 'c.1', 'c.1', 'c.0', 'c.0']);
    expect(recorder.events.map(({ time }) => time)).toEqual([1, 2, 3, 4, 5]);
  });

  it('retires a process whose operation may yet happen', () => {
    const recorder = newRecorder();
    recorder.invoke({ client: 'c', op: 'put', key: 'x', value: 1 }).info('timed out');
    recorder.invoke({ client: 'c', op: 'put', key: 'x', value: 2 }).fail('refused');
    recorder.invoke({ client: 'c', op: 'put', key: 'x', value: 3 }).ok();
    expect(recorder.events.map(({ process }) => process)).toEqual(['c.0', 'c.0', 'c.1', 'c.1', 'c.1', 'c.1']);
    expect(pairOperations(recorder.events).map(({ answeredAt }) => answeredAt)).toEqual([Infinity, 5]);
  });

  it('takes one answer only', () => {
    const operation = newRecorder().invoke({ client: 'c', op: 'put', key: 'x', value: 1 });
    operation.ok();
    expect(() => operation.info('timed out')).toThrow('put x of c.0 was answered already');
  });

  it('tells of each event as it happens, and its text reads back the same', () => {
    const seen: HistoryEvent[] = [];
    const recorder = newRecorder((event) => seen.push(event));
    recorder
      .invoke({ client: 'c', op: 'cas', key: 'x', value: [null, 'v'], ack: 'quorum' })
      .ok({ swapped: true });
    expect(seen).toEqual(recorder.events);
    expect(parseHistory(formatHistory(seen))).toEqual(seen);
  });
});

describe('parseHistory', () => {
  it.each([
    ['{', 'history line 1: not JSON'],
    ['\n[]', 'history line 2: no process'],
    ['null', 'history line 1: not an object'],
    ['{"process":1,"type":"ok","op":"get"}', 'history line 1: no key'],
    ['{"process":1,"type":"done","op":"get","key":"x"}', 'history line 1: unknown type "done"'],
    ['{"process":1,"type":"ok","op":"swap","key":"x"}', 'history line 1: unknown operation "swap"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseHistory(text)).toThrow(message);
  });
});
