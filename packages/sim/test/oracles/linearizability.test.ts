import { HistoryRecorder } from '@holdfast/check';
import { expect, test } from 'vitest';
import { checkHistories } from '../../src/oracles/linearizability.ts';

const recorder = (): HistoryRecorder => new HistoryRecorder({ clock: { now: () => 0 } });

test('what one copy could have answered is as it should be', () => {
  const registers = recorder();
  registers.invoke({ client: 'c1', op: 'put', key: 'a', value: '1' }).ok({ revision: 5 });
  registers.invoke({ client: 'c2', op: 'get', key: 'a' }).ok({ value: '1', revision: 5 });
  const counters = recorder();
  counters.invoke({ client: 'c1', op: 'increment', key: 'c', value: 2 }).ok({ value: 2 });
  expect(checkHistories(registers.events, counters.events)).toBe('ok');
});

test('a stale read, and a step that was lost, are caught', () => {
  const registers = recorder();
  registers.invoke({ client: 'c1', op: 'put', key: 'a', value: '1' }).ok({ revision: 5 });
  registers.invoke({ client: 'c2', op: 'get', key: 'a' }).ok({ value: null });
  expect(() => checkHistories(registers.events, [])).toThrow('linearizability: key "a" is not linearizable');
  const counters = recorder();
  counters.invoke({ client: 'c1', op: 'increment', key: 'c', value: 2 }).ok({ value: 2 });
  counters.invoke({ client: 'c2', op: 'increment', key: 'c', value: 2 }).ok({ value: 2 });
  expect(() => checkHistories([], counters.events)).toThrow('key "c" is not linearizable');
});
