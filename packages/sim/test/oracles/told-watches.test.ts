import { expect, test } from 'vitest';
import { checkWatches } from '../../src/oracles/told-watches.ts';
import type { WatchSection } from '../../src/workload/watch-book.ts';
import { logOf } from './support.ts';

const log = logOf(
  [
    ['p', '1'],
    ['q', '1'],
  ],
  [['p', '2']],
  [['p', undefined]],
  [['r', '4']],
);

type Event = WatchSection['events'][number];

function put(key: string, value: string, revision: number, endsWrite = true): Event {
  return {
    type: 'put',
    key,
    value,
    revision: revision as never,
    term: 1 as never,
    endsWrite,
    initial: false,
  };
}

function first(key: string, value: string): Event {
  return { type: 'put', key, value, endsWrite: true, initial: true };
}

const del: Event = {
  type: 'del',
  key: 'p',
  revision: 30 as never,
  term: 1 as never,
  endsWrite: true,
  initial: false,
};
const upTo = (revision: number): Event => ({ type: 'progress', revision: revision as never });

function check(section: Partial<WatchSection>, previousValue?: true): number {
  const plan = { atMs: 0, begins: 'now', ...(previousValue === undefined ? {} : { previousValue }) } as const;
  return checkWatches([{ client: 'c1', plan, sections: [{ from: undefined, events: [], ...section }] }], log);
}

test('the log from a position on, and a state with what follows it, are as they should be', () => {
  expect(
    check({ from: 0, events: [put('p', '1', 10, false), put('q', '1', 11), put('p', '2', 20), del] }),
  ).toBe(4);
  expect(check({ events: [put('p', '2', 20), del, upTo(35)] })).toBe(2);
  expect(check({ events: [upTo(25)] })).toBe(0);
  expect(check({ events: [upTo(11), put('p', '2', 20), upTo(25)] })).toBe(1);
  expect(
    check({ state: new Map(), events: [first('p', '2'), first('q', '1'), upTo(20), del, put('r', '4', 40)] }),
  ).toBe(2);
  expect(
    check({ from: 11, events: [], endedBy: 'HOLDFAST_REVISION_COMPACTED', detail: 20, position: 11 }),
  ).toBe(0);
});

test.each<[string, Partial<WatchSection>]>([
  ['a mutation left out', { from: 0, events: [put('p', '1', 10, false), put('p', '2', 20)] }],
  ['one left out after the first mark', { events: [upTo(11), del] }],
  ['one left out before a mark', { from: 11, events: [upTo(20)] }],
  ['one told twice', { from: 11, events: [put('p', '2', 20), put('p', '2', 20)] }],
  ['one that never was', { from: 20, events: [put('p', '9', 25)] }],
  ['another value', { from: 11, events: [put('p', '9', 20)] }],
  ['a write that ends in its middle', { from: 0, events: [put('p', '1', 10)] }],
  ['a state that was not', { state: new Map(), events: [first('p', '1'), first('q', '1'), upTo(20)] }],
  ['a position that is said to be lost', { from: 11, endedBy: 'HOLDFAST_SESSION_DIVERGED' }],
  [
    'a position said to be too old that is not',
    { from: 30, position: 30, endedBy: 'HOLDFAST_REVISION_COMPACTED', detail: 20 },
  ],
])('%s is caught', (_, section) => {
  expect(() => check(section)).toThrow('c1, watching');
});

test('a wrong value of before is caught', () => {
  const told = { ...put('p', '2', 20), previousValue: '1' } as Event;
  expect(check({ from: 11, events: [told] }, true)).toBe(1);
  expect(() => check({ from: 11, events: [put('p', '2', 20)] }, true)).toThrow('replaced undefined');
});
