import type { Core, Input } from '@holdfast/core';
import { entryBytes, type LogIndex, type NodeId } from '@holdfast/types';
import type { Boot } from '../cluster/core-probe.ts';
import { SafetyViolation } from './safety-violation.ts';

/** How much of something there is, and how much there may be. */
interface Level {
  readonly what: string;
  readonly is: number;
  readonly max: number;
}

/** No queue of a core grows beyond its limit, whatever comes (G17). */
export class BoundedQueues {
  onStep({ node }: Boot, input: Input, core: QueuesOfCore): void {
    checkLevels(node, core);
    checkUnapplied(node, core);
    // What is applied is let go of when something is: until then one more batch may be in memory.
    if (input.kind !== 'applied') return;
    checkCache(node, core);
    checkResults(node, core);
  }
}

/** Of a request to end a session. */
const SESSION_REQUEST_BYTES = 64;

type QueueLimits = Core['context']['config']['limits'];

/** What is looked at of a core. */
export type QueuesOfCore = Pick<Core, 'context' | 'reads' | 'applier' | 'office'>;

function checkLevels(node: NodeId, { context, reads, applier, office }: QueuesOfCore): void {
  const { limits } = context.config;
  if (reads.pending > limits.pendingReadsMax)
    throw tooMany(node, { what: 'reads are pending', is: reads.pending, max: limits.pendingReadsMax });
  if (office === undefined) return;
  checkAdmission(node, limits, { office, sessions: applier.sessions.size });
  for (const { peer, inflightCount, earlierBytes } of office.replicator.progress.values()) {
    const max = limits.peerWindowEntries;
    if (inflightCount > max)
      throw tooMany(node, { what: `appends are on their way to ${peer}`, is: inflightCount, max });
    const bytesMax = limits.peerWindowBytes;
    if (earlierBytes >= bytesMax)
      throw tooMany(node, {
        what: `bytes were on their way to ${peer} when more were sent`,
        is: earlierBytes,
        max: bytesMax,
      });
  }
}

/** The line of `local` writes may move up at once; the ends of idle sessions, and expiries, are the primary's own. */
function checkAdmission(
  node: NodeId,
  limits: QueueLimits,
  { office, sessions }: { readonly office: NonNullable<QueuesOfCore['office']>; readonly sessions: number },
): void {
  const { queued, queuedBytes, foundBytes, fetchedBytes, early } = office.admission;
  const { admitQueueRequestsMax: requestsMax, admitQueueBytesMax: bytesMax, asyncWaitersMax } = limits;
  const bytes = queuedBytes - foundBytes - office.expiries.queuedBytes;
  const ownBytes = sessions * SESSION_REQUEST_BYTES;
  check(node, 'requests are admitted and not logged', queued, requestsMax + asyncWaitersMax + sessions);
  check(node, 'bytes of requests are admitted and not logged', bytes, 2 * bytesMax + ownBytes);
  // What a frame depends on is read when it is admitted, and as much of it as there may be in all.
  check(node, 'bytes were read for what is admitted', fetchedBytes, 2 * bytesMax);
  check(node, 'requests wait to be admitted', early.requests, requestsMax);
  check(node, 'bytes wait to be admitted', early.bytes, bytesMax);
}

function check(node: NodeId, what: string, is: number, max: number): void {
  if (is > max) throw tooMany(node, { what, is, max });
}

/** Nothing of clients is logged while so much of the same office is not applied. */
function checkUnapplied(node: NodeId, { context, applier, office }: QueuesOfCore): void {
  const { log, config } = context;
  const newest = log.cached(log.last.index);
  if (office === undefined || newest?.term !== office.term || newest.body.kind !== 'requests') return;
  const { unappliedBytesMax: max } = config.limits;
  let is = 0;
  for (let index = newest.index - 1; index > applier.applied.index; index -= 1) {
    const entry = log.cached(index as LogIndex);
    if (entry?.term !== office.term) break;
    is += entryBytes(entry);
  }
  if (is >= max) throw tooMany(node, { what: 'bytes were not applied when more was logged', is, max });
}

function checkCache(node: NodeId, { context, applier }: QueuesOfCore): void {
  const { log, persists, config } = context;
  const { logCacheBytesMax: max } = config.limits;
  if (log.cacheBytes <= max) return;
  const done = Math.min(applier.applied.index, persists.durable);
  let is = 0;
  for (let index: number = log.cacheStart; index <= Math.min(done, log.cachedTo); index += 1)
    is += entryBytes(log.cached(index as LogIndex)!);
  if (is > max) throw tooMany(node, { what: 'bytes of applied entries are in memory', is, max });
}

/** Of each session: above its floor, which tells how far its client has come, there are results of a window only. */
function checkResults(node: NodeId, { context, applier }: QueuesOfCore): void {
  const { sessionWindow: max } = context.config.limits;
  for (const { id, floor, runs } of applier.sessions.sessions()) {
    const last = runs.at(-1);
    const is = last === undefined ? 0 : last.sequence + (last.kind === 'plain' ? last.count : 1) - 1 - floor;
    if (is > max) throw tooMany(node, { what: `sequences are above the floor of ${id}`, is, max });
  }
}

function tooMany(node: NodeId, { what, is, max }: Level): SafetyViolation {
  return new SafetyViolation('bounded queues', `${node}: ${is} ${what}, ${max} at most`);
}
