import { entryBytes, type LogIndex } from '@holdfast/types';
import type { CoreStanding, CoreStatus, PeerStatus, Role } from '../api.ts';
import type { Core } from '../core.ts';
import type { Progress } from '../replication/progress.ts';

export function readStatus(core: Core, now: number): CoreStatus {
  const { context, applier, office } = core;
  const { log, persists, durableGenesis: genesis } = context;
  return {
    ...readStanding(core),
    ...(genesis === undefined ? {} : { database: genesis.databases[context.config.database] ?? '' }),
    commit: context.commit,
    applied: applier.applied.index,
    durable: persists.durable,
    last: log.last,
    firstIndex: log.first,
    lastRevision: log.lastRevision,
    appliedRevision: applier.appliedRevision,
    admitting: office?.admitting ?? false,
    serving: core.serving,
    stalenessMs: core.freshness.stalenessMs(now),
    holes: core.repair.holes,
    sessions: applier.sessions.size,
    queued: office?.admission.queued ?? 0,
    shedding: { writes: context.shedding.writeShare, reads: context.shedding.readShare },
    acknowledged: { ...core.acknowledged },
    supersededPending: applier.supersededPending,
    peers: context.others.map((peer): PeerStatus => {
      const link = context.links.get(peer)!;
      const progress = office?.replicator.progress.get(peer);
      return {
        id: peer,
        linked: link.up,
        state: progress?.state ?? 'unknown',
        match: progress?.match ?? (0 as LogIndex),
        applied: progress?.applied ?? (0 as LogIndex),
        lagEntries: progress === undefined ? 0 : log.last.index - progress.match,
        lagBytes: progress === undefined ? 0 : lagBytes(core, progress),
        lagMs: progress?.behindSince === undefined ? 0 : Math.max(0, now - progress.behindSince),
        ...(link.exclusion === undefined ? {} : { exclusion: link.exclusion }),
      };
    }),
  };
}

export function readStanding(core: Core): CoreStanding {
  const { term, primary, durableGenesis: genesis, exclusion } = core.context;
  return {
    role: roleOf(core),
    term,
    ...(primary === undefined ? {} : { primary }),
    ...(genesis === undefined ? {} : { cluster: genesis.cluster }),
    ...(exclusion === undefined ? {} : { exclusion }),
  };
}

function roleOf(core: Core): Role {
  const { context } = core;
  if (context.exclusion !== undefined) return 'excluded';
  if (context.genesis === undefined) return 'forming';
  return core.repair.active ? 'repairing' : context.role;
}

/** Exact for what is in memory; what was evicted counts as nothing. */
function lagBytes(core: Core, progress: Progress): number {
  const { log } = core.context;
  let bytes = 0;
  for (let index = Math.max(progress.match + 1, log.cacheStart); index <= log.cachedTo; index++) {
    bytes += entryBytes(log.cached(index as LogIndex)!);
  }
  return bytes;
}
