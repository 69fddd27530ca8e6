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
  /** Of what is queued. */
  bytes?: number;
  /** Of those, found by clears, and by the primary itself. */
  found?: number;
  expiring?: number;
  fetched?: number;
  early?: { readonly requests: number; readonly bytes: number };
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
  const { earlierBytes = 0, term = 2, bytes = 0, found = 0, expiring = 0, fetched = 0 } = levels;
  const { early = { requests: 0, bytes: 0 } } = levels;
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
    admitQueueBytesMax: 1000,
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
      admission: { queued, queuedBytes: bytes, foundBytes: found, fetchedBytes: fetched, early },
      expiries: { queuedBytes: expiring },
      replicator: { progress: new Map([['n2', { peer: 'n2', inflightCount: inflight, earlierBytes }]]) },
    },
  } as unknown as QueuesOfCore;
}

test('all at their limits', () => {
  oracle.onStep(n1, tick, coreOf({ reads: 4, queued: 6, sessions: 1, inflight: 2, earlierBytes: BYTES - 1 }));
  const early = { requests: 3, bytes: 1000 };
  const bytes = { bytes: 2564, sessions: 1, found: 200, expiring: 300, fetched: 2000 };
  oracle.onStep(n1, tick, coreOf({ ...bytes, early }));
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
  ['2001 bytes of requests are admitted and not logged, 2000 at most', coreOf({ bytes: 2001 })],
  ['2001 bytes of requests are admitted and not', coreOf({ bytes: 2601, found: 300, expiring: 300 })],
  ['2001 bytes were read for what is admitted, 2000 at most', coreOf({ fetched: 2001 })],
  ['4 requests wait to be admitted, 3 at most', coreOf({ early: { requests: 4, bytes: 0 } })],
  ['1001 bytes wait to be admitted, 1000 at most', coreOf({ early: { requests: 1, bytes: 1001 } })],
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
