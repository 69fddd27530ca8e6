import type { ScanPage, StoreScan } from '@holdfast/store';
import type { ErrorCode, Revision } from '@holdfast/types';
import { expect, test } from 'vitest';
import { ConnectionScans } from '../../src/clients/connection-scans.ts';
import { ScanLane } from '../../src/clients/scan-lane.ts';
import { ManualClock } from '../events/manual-clock.ts';

const PAGE: ScanPage = { records: [], done: false };

/** A range that is read when the test says so. */
class HeldScan implements StoreScan {
  readonly revision = 1 as Revision;
  readonly #reads: (() => void)[] = [];

  next(): Promise<ScanPage> {
    return new Promise((resolve) => this.#reads.push(() => resolve(PAGE)));
  }

  /** Ends the read that is under way, with all that comes of it. */
  async answer(): Promise<void> {
    this.#reads.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  seek(): void {}

  async close(): Promise<void> {}
}

class Connection {
  readonly pages: number[] = [];
  readonly failures: ErrorCode[] = [];
  readonly held: HeldScan = new HeldScan();
  readonly scans: ConnectionScans;

  constructor(owner: number, lane: ScanLane, clock: ManualClock) {
    this.scans = new ConnectionScans({
      owner,
      lane,
      scansMax: 10,
      pageBytesMax: 1000,
      clock,
      onPage: ({ id }) => this.pages.push(id),
      onOpened: () => {},
      onFailed: (_id, { code }) => this.failures.push(code),
      onFatal: (error) => {
        throw error;
      },
    });
    expect(this.scans.reserve(1)).toBeUndefined();
    const reading = { scan: this.held, revision: 1 as Revision, stalenessMs: 0 };
    this.scans.begin(1, reading, { pageSize: 10, deadline: 10_000 });
  }
}

test('a page asked for ahead takes the place in the line that the page before it makes free', async () => {
  const clock = new ManualClock();
  const lane = new ScanLane({ runningMax: 1, waitingMax: 1, clock });
  const first = new Connection(1, lane, clock);
  first.scans.next({ scan: 1, id: 2, pageSize: 10, deadline: 10_000 });
  const second = new Connection(2, lane, clock);
  expect(lane.load).toEqual({ running: 1, waiting: 1, refused: 0 });
  await first.held.answer();
  expect(lane.load).toEqual({ running: 1, waiting: 1, refused: 0 });
  await second.held.answer();
  await first.held.answer();
  expect([first.pages, second.pages]).toEqual([[1, 2], [1]]);
  expect([...first.failures, ...second.failures]).toEqual([]);
  expect([first.scans.busy, second.scans.busy]).toEqual([0, 0]);
});
