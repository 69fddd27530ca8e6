import type { RecoveredLog } from '@holdfast/core';
import { type Entry, type LogIndex, logIndex } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Checkpoints } from '../../src/driver/checkpoints.ts';
import { DRIVER_TUNING } from '../../src/driver/driver-tuning.ts';
import { ManualClock } from '../events/manual-clock.ts';

/** Of a kilobyte and a little. */
function entriesUpTo(last: number): Entry[] {
  const value = new Uint8Array(1000);
  const mutations = [{ kind: 'put', key: Uint8Array.of(1), value }];
  return Array.from({ length: last }, (_, place) => {
    const request = { kind: 'write', mutations, result: { kind: 'written', revision: 1 } };
    return { index: place + 1, term: 1, body: { kind: 'requests', requests: [request] } } as unknown as Entry;
  });
}

/** Where the log begins at each of two checkpoints: a peer has the first two of 50 entries, and then of 300. */
async function headsFor(imageBytes: number): Promise<LogIndex[]> {
  const removed: LogIndex[] = [];
  const wal = {
    stats: { bytes: 0 },
    removeHead: async ({ below }: { below: LogIndex }) => void removed.push(below),
  };
  const checkpoints = new Checkpoints({
    slot: { store: { checkpoint: async () => ({ index: 1000, term: 1 }) } } as never,
    wal: wal as never,
    clock: new ManualClock(),
    tuning: {
      ...DRIVER_TUNING,
      checkpointBytes: 1,
      walRetainBytes: 1000,
      walHeldBytesMax: 100_000,
      walRetainStepBytes: 1000,
    },
    recovered: { first: logIndex(1), last: { index: 0, term: 0 } } as unknown as RecoveredLog,
    // A peer that has nothing beyond the second entry.
    retainFrom: (peersFrom) => Math.max(3, peersFrom) as LogIndex,
    onHeadRemoved: () => {},
    onFailure: (error) => {
      throw error;
    },
  });
  const entries = entriesUpTo(300);
  checkpoints.imageSent(imageBytes);
  // An older and shorter one takes nothing back.
  checkpoints.imageSent(0);
  for (const [from, to] of [
    [0, 50],
    [50, 300],
  ]) {
    checkpoints.logged(entries.slice(from, to));
    checkpoints.applied(entries.slice(from, to));
    await expect.poll(() => removed.length).toBe(to === 50 ? 1 : 2);
  }
  await checkpoints.stop();
  return removed;
}

test('the log is kept for a standby that lags, but not for ever', async () => {
  const removed = await headsFor(0);
  expect(removed[0]).toBe(3);
  expect(removed[1]).toBeGreaterThan(195);
  expect(removed[1]).toBeLessThan(215);
});

test('and as much more as was sent of an image of the store: what was written meanwhile', async () => {
  const removed = await headsFor(100_000);
  expect(removed[0]).toBe(3);
  expect(removed[1]).toBeGreaterThan(115);
  expect(removed[1]).toBeLessThan(135);
});
