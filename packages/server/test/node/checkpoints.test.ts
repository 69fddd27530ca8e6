import type { RecoveredLog } from '@holdfast/core';
import { type Entry, type LogIndex, logIndex } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Checkpoints } from '../../src/driver/checkpoints.ts';
import { DRIVER_TUNING } from '../../src/driver/driver-tuning.ts';
import { ManualClock } from '../events/manual-clock.ts';

/** Of an entry, with what lies around it there. */
const ON_DISK_BYTES = 1150;

/** Of a kilobyte and a little. */
function entriesUpTo(last: number): Entry[] {
  const value = new Uint8Array(1000);
  const mutations = [{ kind: 'put', key: Uint8Array.of(1), value }];
  return Array.from({ length: last }, (_, place) => {
    const request = { kind: 'write', mutations, result: { kind: 'written', revision: 1 } };
    return { index: place + 1, term: 1, body: { kind: 'requests', requests: [request] } } as unknown as Entry;
  });
}

interface Look {
  /** So many entries are in the log, and a peer has all before `needed`. */
  readonly upTo: number;
  readonly needed: number;
}

const LAGGING: readonly Look[] = [
  { upTo: 50, needed: 3 },
  { upTo: 300, needed: 3 },
];

/** Where the log begins after each checkpoint. */
async function headsFor(imageBytes: number, looks = LAGGING): Promise<LogIndex[]> {
  const removed: LogIndex[] = [];
  let needed = 0;
  const wal = {
    stats: { bytes: 0 },
    usedBytes: 0,
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
    retainFrom: (peersFrom) => Math.max(needed, peersFrom) as LogIndex,
    onHeadRemoved: () => {},
    onFailure: (error) => {
      throw error;
    },
  });
  const entries = entriesUpTo(300);
  let from = 0;
  checkpoints.imageSent(imageBytes);
  // An older and shorter one takes nothing back.
  checkpoints.imageSent(0);
  for (const [place, look] of looks.entries()) {
    needed = look.needed;
    for (const entry of entries.slice(from, look.upTo)) {
      checkpoints.logged([entry]);
      wal.usedBytes += ON_DISK_BYTES;
    }
    checkpoints.applied(entries.slice(from, look.upTo));
    from = look.upTo;
    await expect.poll(() => removed.length).toBe(place + 1);
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

test('but not once all were level', async () => {
  const removed = await headsFor(100_000, [
    { upTo: 50, needed: 51 },
    { upTo: 300, needed: 51 },
  ]);
  expect(removed[1]).toBeGreaterThan(195);
  expect(removed[1]).toBeLessThan(215);
});
