import { NodeDisk } from '@holdfast/io';
import type { Store } from '@holdfast/store';
import { expect, test } from 'vitest';
import { DiskSpace } from '../../src/driver/disk-space.ts';
import { ManualClock } from '../events/manual-clock.ts';

const CHECK_MS = 100;

/** A disk whose answer about free bytes comes when the test says, and a store that says what is done to it. */
function world(): {
  readonly space: DiskSpace;
  readonly clock: ManualClock;
  readonly done: string[];
  readonly asked: ((bytes: number) => void)[];
  /** Of the store in place: what opening it again comes to. */
  reopen: () => Promise<void>;
} {
  const asked: ((bytes: number) => void)[] = [];
  const done: string[] = [];
  const clock = new ManualClock();
  const store = {
    reopen: async () => {
      done.push('reopens');
      await made.reopen();
    },
  } as unknown as Store;
  const disk = Object.assign(new NodeDisk(), {
    freeBytes: () => new Promise<number>((resolve) => asked.push(resolve)),
  });
  const space = new DiskSpace({
    disk,
    clock,
    directory: '/data',
    checkMs: CHECK_MS,
    reopenBytesMin: 1,
    logIsFull: false,
    store: () => store,
    onChange: (full) => done.push(full ? 'full' : 'room'),
    onReopened: () => done.push('reads go on'),
  });
  const made = { space, clock, done, asked, reopen: async (): Promise<void> => {} };
  return made;
}

test('a store that met a full disk is opened again when there is room', async () => {
  const { space, clock, done, asked } = world();
  space.storeIsFull();
  clock.advance(CHECK_MS);
  asked[0]?.(0);
  await expect.poll(() => clock.pendingTimers).toBe(1);
  clock.advance(CHECK_MS);
  asked[1]?.(1);
  await expect.poll(() => done.at(-1)).toBe('reads go on');
  expect(done).toEqual(['full', 'reads go on', 'reopens', 'room', 'reads go on']);
  expect([space.isFull, clock.pendingTimers]).toEqual([false, 0]);
});

test('one that a snapshot put in its place while the disk was asked is left alone', async () => {
  const { space, clock, done, asked } = world();
  space.storeIsFull();
  clock.advance(CHECK_MS);
  space.storeHasRoom();
  asked[0]?.(1);
  await expect.poll(() => done.at(-1)).toBe('reads go on');
  expect(done).toEqual(['full', 'room', 'reads go on']);
});

test('nor is it opened again because the one before it was closed while that was', async () => {
  const made = world();
  const { space, clock, done, asked } = made;
  made.reopen = () => {
    space.storeHasRoom();
    return Promise.reject(new Error('the store is closed'));
  };
  space.storeIsFull();
  clock.advance(CHECK_MS);
  asked[0]?.(1);
  await expect.poll(() => done.at(-1)).toBe('reads go on');
  expect(done).toEqual(['full', 'reopens', 'room', 'reads go on']);
  expect(clock.pendingTimers).toBe(0);
});
