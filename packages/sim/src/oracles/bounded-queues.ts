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
    checkLevels(node, levelsOf(core));
    // What is applied is let go of when something is: until then one more batch may be in memory.
    if (input.kind === 'applied') checkLevels(node, [appliedCache(core)]);
  }
}

/** What is looked at of a core. */
export type QueuesOfCore = Pick<Core, 'context' | 'reads' | 'applier' | 'office'>;

function levelsOf({ context, reads, applier, office }: QueuesOfCore): Level[] {
  const { limits } = context.config;
  const levels: Level[] = [{ what: 'reads are pending', is: reads.pending, max: limits.pendingReadsMax }];
  if (office === undefined) return levels;
  levels.push({
    what: 'requests are admitted and not logged',
    is: office.admission.queued,
    // The line of `local` writes may move up at once, and the ends of idle sessions are the primary's own.
    max: limits.admitQueueRequestsMax + limits.asyncWaitersMax + applier.sessions.size,
  });
  for (const { peer, inflightCount } of office.replicator.progress.values())
    levels.push({
      what: `appends are on their way to ${peer}`,
      is: inflightCount,
      max: limits.peerWindowEntries,
    });
  return levels;
}

function appliedCache({ context, applier }: QueuesOfCore): Level {
  const { log, persists, config } = context;
  const { logCacheBytesMax: max } = config.limits;
  const what = 'bytes of applied entries are in memory';
  if (log.cacheBytes <= max) return { what, is: log.cacheBytes, max };
  const done = Math.min(applier.applied.index, persists.durable);
  let is = 0;
  for (let index: number = log.cacheStart; index <= Math.min(done, log.cachedTo); index += 1)
    is += entryBytes(log.cached(index as LogIndex)!);
  return { what, is, max };
}

function checkLevels(node: NodeId, levels: readonly Level[]): void {
  for (const { what, is, max } of levels)
    if (is > max) throw new SafetyViolation('bounded queues', `${node}: ${is} ${what}, ${max} at most`);
}
