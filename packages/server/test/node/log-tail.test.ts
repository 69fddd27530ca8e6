import { type LogIndex, logIndex } from '@holdfast/types';
import { expect, test } from 'vitest';
import { LogTail } from '../../src/driver/log-tail.ts';

const MEGABYTE = 1_048_576;

function write(tail: LogTail, index: LogIndex, bytes: number): void {
  tail.reached(index);
  tail.grewBy(bytes);
}

test('the tail begins where its bytes begin, to about a megabyte', () => {
  const tail = new LogTail({ first: logIndex(1), next: logIndex(1), bytes: 0 }, MEGABYTE);
  for (let index = 1; index <= 100; index += 1) write(tail, logIndex(index), MEGABYTE / 2);
  // 100 entries of half a megabyte: the newest 10 MB are the newest 20 entries.
  expect(tail.startOf(10 * MEGABYTE)).toBeGreaterThanOrEqual(78);
  expect(tail.startOf(10 * MEGABYTE)).toBeLessThanOrEqual(81);
});

test('a log shorter than the tail is kept whole', () => {
  const tail = new LogTail({ first: logIndex(7), next: logIndex(7), bytes: 0 }, MEGABYTE);
  for (let index = 7; index <= 20; index += 1) write(tail, logIndex(index), MEGABYTE);
  expect(tail.startOf(100 * MEGABYTE)).toBe(7);
});

test('what recovery found counts as spread evenly', () => {
  const tail = new LogTail({ first: logIndex(1001), next: logIndex(2001), bytes: 100 * MEGABYTE }, MEGABYTE);
  expect(tail.startOf(10 * MEGABYTE)).toBeGreaterThan(1880);
  expect(tail.startOf(10 * MEGABYTE)).toBeLessThanOrEqual(1901);
});

test('a truncated suffix does not leave marks above the log', () => {
  const tail = new LogTail({ first: logIndex(1), next: logIndex(1), bytes: 0 }, MEGABYTE);
  for (let index = 1; index <= 50; index += 1) write(tail, logIndex(index), MEGABYTE);
  write(tail, logIndex(10), MEGABYTE);
  expect(tail.startOf(0)).toBeLessThanOrEqual(10);
});

test('what is forgotten beyond one tail is not asked for by a shorter one', () => {
  const tail = new LogTail({ first: logIndex(1), next: logIndex(1), bytes: 0 }, MEGABYTE);
  for (let index = 1; index <= 100; index += 1) write(tail, logIndex(index), MEGABYTE);
  const starts = [tail.startOf(10 * MEGABYTE), tail.startOf(50 * MEGABYTE)];
  expect(starts).toEqual([91, 51]);
  tail.forget(50 * MEGABYTE);
  expect([tail.startOf(10 * MEGABYTE), tail.startOf(50 * MEGABYTE)]).toEqual(starts);
  expect(tail.startOf(100 * MEGABYTE)).toBe(51);
});
