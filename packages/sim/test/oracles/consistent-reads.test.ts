import { expect, test } from 'vitest';
import { checkConsistentReads } from '../../src/oracles/consistent-reads.ts';
import type { BookedRead } from '../../src/workload/call-book.ts';
import { logOf } from './support.ts';

const log = logOf(
  [
    ['p', '1'],
    ['q', '1'],
  ],
  [
    ['p', '2'],
    ['q', '2'],
  ],
  [['p', undefined]],
  [['r', '4']],
);
const read = (found: Record<string, string | undefined>, floor = 0): BookedRead => ({
  client: 'c1',
  consistency: 'linearizable',
  found: new Map(Object.entries(found)),
  floor,
});
const check = (...reads: BookedRead[]): void => checkConsistentReads(reads, log);

test('states of the log, not older than the floor, are as they should be', () => {
  check(
    read({ p: undefined, q: undefined, r: undefined }),
    read({ p: '1', q: '1' }),
    read({ p: '2', q: '2' }, 20),
    read({ p: undefined, q: '2' }, 30),
    read({ p: undefined, q: '2', r: '4' }, 40),
    { ...read({ p: '1' }, 40), consistency: 'eventual' },
    { ...read({ p: '1' }, 40), consistency: 'eventual', agedFloor: 10 },
  );
});

test.each<[string, BookedRead]>([
  ['half a write', read({ p: '1', q: '2' })],
  ['a state that never was', read({ q: '1', r: '4' })],
  ['a value that nobody wrote, or that was lost', read({ p: '9' })],
])('%s is caught', (_, violation) => {
  expect(() => check(violation)).toThrow('never so at one time');
});

test('a read of something older than the age that it states is caught', () => {
  const stale: BookedRead = { ...read({ p: '1' }, 40), consistency: 'eventual', agedFloor: 20 };
  expect(() => check(stale)).toThrow('last so before 2; 2 was acknowledged');
});

test('a linearizable read of something older than what was acknowledged is caught', () => {
  expect(() => check(read({ p: '1', q: '1' }, 20))).toThrow('last so before 2; 2 was acknowledged');
  expect(() => check(read({ r: undefined }, 40))).toThrow('last so before 4; 4 was acknowledged');
});
