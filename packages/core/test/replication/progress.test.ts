import type { LogIndex, NodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Progress } from '../../src/replication/progress.ts';

const WINDOW = { entries: 3, bytes: 1000 };

/** Of a peer whose log is known to fit. */
function replicating(): { progress: Progress; send: (last: number, bytes: number) => void } {
  const progress = new Progress('n2' as NodeId, { next: 1 as LogIndex, now: 0 });
  progress.matched(0 as LogIndex, 0);
  return {
    progress,
    send: (last, bytes) => progress.sent({ last: last as LogIndex, bytes, now: 0, round: 1 }),
  };
}

test('a peer has room for so many appends', () => {
  const { progress, send } = replicating();
  for (const last of [1, 2, 3]) {
    expect(progress.hasRoom(WINDOW)).toBe(true);
    send(last, 1);
  }
  expect(progress.hasRoom(WINDOW)).toBe(false);
  progress.matched(1 as LogIndex, 1);
  expect(progress.hasRoom(WINDOW)).toBe(true);
});

test('a peer has room until so many bytes are on their way, however few appends these are (G17)', () => {
  const { progress, send } = replicating();
  send(1, 999);
  expect(progress.hasRoom(WINDOW)).toBe(true);
  send(2, 500);
  expect([progress.hasRoom(WINDOW), progress.inflightBytes]).toEqual([false, 1499]);
  progress.matched(1 as LogIndex, 1);
  expect([progress.hasRoom(WINDOW), progress.inflightBytes]).toEqual([true, 500]);
});
