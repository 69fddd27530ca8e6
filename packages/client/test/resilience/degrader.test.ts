import type { Revision } from '@holdfast/types';
import { describe, expect, test } from 'vitest';
import { RESILIENCE_LIMITS } from '../../src/resilience/resilience-limits.ts';
import { ReadCall, SnapshotReadCall, WriteCall } from '../../src/session/call.ts';
import { Degrader, type Outage } from '../../src/session/degrader.ts';

const LIMITS = RESILIENCE_LIMITS.degradation;
const NONE: Outage = { noPrimaryMs: 0, noNodeMs: 0 };

function read(options: Partial<ReadCall> = {}): ReadCall {
  return new ReadCall({
    deadline: 5000,
    bytes: 1,
    keys: [Buffer.from('a')],
    consistency: 'linearizable',
    after: 0 as Revision,
    readPreference: 'primary',
    mayDegrade: true,
    ...options,
  });
}

function write(): WriteCall {
  const call = new WriteCall({ deadline: 5000, bytes: 1, ack: 'quorum', conditions: [], operations: [] });
  call.whenNoPrimary = 'fail';
  return call;
}

function watching(...calls: (ReadCall | WriteCall)[]): Degrader {
  const degrader = new Degrader(LIMITS, () => 0.5);
  for (const call of calls) degrader.admit(call);
  degrader.due(NONE, 0);
  return degrader;
}

describe('a read that may degrade', () => {
  test('does so once the outage has lasted, at a moment of its own', () => {
    const call = read();
    const degrader = watching(call);
    expect(degrader.due({ noPrimaryMs: 1049, noNodeMs: 0 }, 1049).degrade).toEqual([]);
    expect(degrader.due({ noPrimaryMs: 1050, noNodeMs: 0 }, 1050).degrade).toEqual([call]);
  });

  test('does not while somebody who was asked lately may answer, but then does', () => {
    const call = read();
    const degrader = watching(call);
    call.link = 2;
    call.sentAt = 1000;
    expect(degrader.due({ noPrimaryMs: 2000, noNodeMs: 0 }, 2049).degrade).toEqual([]);
    expect(degrader.due({ noPrimaryMs: 2001, noNodeMs: 0 }, 2050).degrade).toEqual([call]);
  });

  test('does when its time is nearly up, outage or not', () => {
    const call = read();
    const degrader = watching(call);
    call.link = 1;
    expect(degrader.due(NONE, 4499).degrade).toEqual([]);
    expect(degrader.due(NONE, 4500).degrade).toEqual([call]);
    const hasty = read({ deadline: 100 });
    const other = watching(hasty);
    expect(other.due(NONE, 74).degrade).toEqual([]);
    expect(other.due(NONE, 75).degrade).toEqual([hasty]);
  });

  test('does not while there is nobody to turn to, nor twice', () => {
    const call = read();
    const degrader = watching(call);
    expect(degrader.due({ noPrimaryMs: 9000, noNodeMs: 9000 }, 4900).degrade).toEqual([]);
    call.degrade();
    expect(degrader.due({ noPrimaryMs: 9000, noNodeMs: 0 }, 4950).degrade).toEqual([]);
  });

  test('is kept an eye on until it is settled', () => {
    const call = read();
    const degrader = watching(call);
    expect(degrader.size).toBe(1);
    call.succeed({
      answer: { items: [], revision: 0 as Revision, stalenessMs: 0 },
      node: 'n1' as never,
      isDegraded: false,
    });
    degrader.due(NONE, 1);
    expect(degrader.size).toBe(0);
  });
});

describe('a call that would rather fail than wait', () => {
  test('is a write that was not sent, once the outage has lasted', () => {
    const call = write();
    const degrader = watching(call);
    expect(degrader.due({ noPrimaryMs: 999, noNodeMs: 0 }, 999).fail).toEqual([]);
    expect(degrader.due({ noPrimaryMs: 1000, noNodeMs: 0 }, 1000).fail).toEqual([call]);
  });

  test('is not a write that may have happened: its outcome is worth waiting for', () => {
    const [sent, lost] = [write(), write()];
    const degrader = watching(sent, lost);
    sent.link = 1;
    lost.mayBeLogged = true;
    expect(degrader.due({ noPrimaryMs: 4000, noNodeMs: 4000 }, 4000).fail).toEqual([]);
  });

  test('is a read that only a primary can answer, or with no node at all any', () => {
    const [strict, lenient, eventual] = [
      read({ mayDegrade: false }),
      read(),
      read({ consistency: 'eventual', mayDegrade: false }),
    ];
    for (const call of [strict, lenient, eventual]) call.whenNoPrimary = 'fail';
    const degrader = watching(strict, lenient, eventual);
    expect(degrader.due({ noPrimaryMs: 1000, noNodeMs: 0 }, 1000).fail).toEqual([strict]);
    expect(degrader.due({ noPrimaryMs: 1000, noNodeMs: 1000 }, 1000).fail).toEqual([
      strict,
      lenient,
      eventual,
    ]);
  });
});

test('calls that chose nothing are not kept an eye on', () => {
  const snapshot = { id: 1, link: 1 };
  const degrader = new Degrader(LIMITS, () => 0.5);
  degrader.admit(read({ mayDegrade: false }));
  degrader.admit(new SnapshotReadCall({ deadline: 5000, bytes: 1, snapshot, keys: [] }));
  expect(degrader.size).toBe(0);
});
