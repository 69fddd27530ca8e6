import type { Input } from '@holdfast/core';
import { nodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { BoundedQueues, type QueuesOfCore } from '../../src/oracles/bounded-queues.ts';
import { entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const tick: Input = { kind: 'tick' };
const applied = { kind: 'applied', index: 1 } as Input;
const oracle = new BoundedQueues();
const BYTES = 10_000;

function coreOf(levels: {
  reads?: number;
  queued?: number;
  sessions?: number;
  /** Runs of results of one session whose floor is 10, each with its first sequence and how many they are. */
  results?: readonly (readonly [sequence: number, count: number])[];
  inflight?: number;
  /** Bytes on their way before the newest append. */
  earlierBytes?: number;
  /** Term of the office; the entries are of term 1. */
  term?: number;
  cached?: number;
  applied?: number;
}): QueuesOfCore {
  const { reads = 0, queued = 0, sessions = 0, results, inflight = 0, cached = 0, applied = 0 } = levels;
  const { earlierBytes = 0, term = 2 } = levels;
  const entries = Array.from({ length: cached }, (_, place) =>
    entryOf({ index: place + 1, revision: place + 1, changes: [['key', 'v'.repeat(BYTES)]] }),
  );
  const runs = results?.map(([sequence, count]) =>
    count === 1 ? { kind: 'single', sequence } : { kind: 'plain', sequence, count },
  );
  const records = runs === undefined ? [] : [{ id: 's1', floor: 10, runs }];
  const limits = {
    pendingReadsMax: 4,
    admitQueueRequestsMax: 3,
    asyncWaitersMax: 2,
    peerWindowEntries: 2,
    peerWindowBytes: BYTES,
    unappliedBytesMax: 2.5 * BYTES,
    sessionWindow: 16,
    logCacheBytesMax: 2.5 * BYTES,
  };
  const log = {
    last: { index: cached },
    cacheStart: 1,
    cachedTo: cached,
    cacheBytes: cached * BYTES,
    cached: (index: number) => entries[index - 1],
  };
  return {
    context: { config: { limits }, log, persists: { durable: cached } },
    reads: { pending: reads },
    applier: {
      applied: { index: applied },
      sessions: { size: sessions, sessions: () => records },
    },
    office: {
      term,
      admission: { queued },
      replicator: { progress: new Map([['n2', { peer: 'n2', inflightCount: inflight, earlierBytes }]]) },
    },
  } as unknown as QueuesOfCore;
}

test('all at their limits', () => {
  oracle.onStep(n1, tick, coreOf({ reads: 4, queued: 6, sessions: 1, inflight: 2, earlierBytes: BYTES - 1 }));
  oracle.onStep(n1, tick, coreOf({ cached: 4, applied: 1, term: 1 }));
  oracle.onStep(n1, applied, coreOf({ cached: 5, applied: 2 }));
  oracle.onStep(n1, applied, coreOf({ results: [] }));
  oracle.onStep(
    n1,
    applied,
    coreOf({
      results: [
        [12, 1],
        [20, 7],
      ],
    }),
  );
  oracle.onStep(
    n1,
    applied,
    coreOf({
      results: [
        [11, 5],
        [26, 1],
      ],
    }),
  );
});

test.each<[string, QueuesOfCore]>([
  ['5 reads are pending, 4 at most', coreOf({ reads: 5 })],
  ['6 requests are admitted and not logged, 5 at most', coreOf({ queued: 6 })],
  ['3 appends are on their way to n2, 2 at most', coreOf({ inflight: 3 })],
  ['10000 bytes were on their way to n2 when more were sent, 10000 at most', coreOf({ earlierBytes: BYTES })],
])('%s: caught', (message, core) => {
  expect(() => oracle.onStep(n1, tick, core)).toThrow(`n1: ${message}`);
});

test('what is logged by an office that has too much unapplied is caught', () => {
  oracle.onStep(n1, tick, coreOf({ cached: 5, applied: 1 }));
  expect(() => oracle.onStep(n1, tick, coreOf({ cached: 5, applied: 1, term: 1 }))).toThrow(
    /n1: 3\d+ bytes were not applied when more was logged, 25000 at most/,
  );
});

test('more of what is applied in memory than there may be is caught once something is applied', () => {
  const core = coreOf({ cached: 5, applied: 3 });
  oracle.onStep(n1, tick, core);
  expect(() => oracle.onStep(n1, applied, core)).toThrow(/bytes of applied entries are in memory, 25000 at/);
});

test.each([
  { results: [[20, 8]] },
  {
    results: [
      [11, 5],
      [27, 1],
    ],
  },
] as const)('results of more than a window are caught: %j', (levels) => {
  const words = 'n1: 17 sequences are above the floor of s1, 16 at most';
  expect(() => oracle.onStep(n1, applied, coreOf(levels))).toThrow(words);
});
