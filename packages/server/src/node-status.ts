import type { CoreStatus } from '@holdfast/core';
import type { BootId, DiskId, LogIndex, Revision, Term } from '@holdfast/types';
import { ownUrl } from './clients/topology.ts';
import type { NodeConfig } from './config/node-config.ts';
import type { DatabaseDriver } from './driver/database-driver.ts';
import type { NodeStatus } from './http/node-view.ts';

export interface StatusParts {
  readonly config: NodeConfig;
  readonly boot: BootId;
  readonly disk: DiskId | undefined;
  readonly uptimeMs: number;
  readonly connections: number;
  readonly lanes: NodeStatus['lanes'];
  /** Undefined until it is open. */
  readonly database: DatabaseDriver | undefined;
  /** Why there is none yet. */
  readonly waitsFor: string;
  readonly stopping: boolean;
}

const NOWHERE = { index: 0 as LogIndex, term: 0 as Term };

const NO_WATCHES = { watches: 0, events: 0, lagEntries: 0 };

/** What a node knows before it has opened its data. */
const NOT_OPEN: CoreStatus = {
  role: 'standby',
  term: 0 as Term,
  commit: 0 as LogIndex,
  applied: 0 as LogIndex,
  durable: 0 as LogIndex,
  last: NOWHERE,
  firstIndex: 0 as LogIndex,
  lastRevision: 0 as Revision,
  appliedRevision: 0 as Revision,
  admitting: false,
  serving: false,
  stalenessMs: -1,
  holes: 0,
  sessions: 0,
  queued: 0,
  shedding: { writes: 0, reads: 0 },
  acknowledged: { local: 0, quorum: 0, all: 0 },
  supersededPending: 0,
  peers: [],
};

export function nodeStatus(parts: StatusParts): NodeStatus {
  const { config, database } = parts;
  const core = database?.status() ?? NOT_OPEN;
  const notReadyReason = whyNotReady(parts, core);
  const stats = database?.walStats;
  return {
    id: config.id,
    url: ownUrl(config),
    ...(config.zone === undefined ? {} : { zone: config.zone }),
    role: core.role,
    term: core.term,
    ...(core.primary === undefined ? {} : { primary: core.primary }),
    commit: core.commit,
    applied: core.applied,
    durable: core.durable,
    last: core.last,
    revision: core.appliedRevision,
    pid: process.pid,
    ...(core.cluster === undefined ? {} : { cluster: core.cluster }),
    disk: parts.disk ?? ('' as DiskId),
    boot: parts.boot,
    uptimeMs: parts.uptimeMs,
    ready: notReadyReason === undefined,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
    admitting: core.admitting,
    serving: core.serving,
    ...(core.exclusion === undefined ? {} : { exclusion: core.exclusion }),
    peers: core.peers,
    acknowledged: core.acknowledged,
    sessions: core.sessions,
    connections: parts.connections,
    watches: database?.feed.stats ?? NO_WATCHES,
    queued: core.queued,
    shedding: core.shedding,
    lanes: withQueued(parts.lanes, core.queued),
    defaultAck: config.defaultAck,
    wal: { segments: stats?.segments ?? 0, bytes: stats?.bytes ?? 0 },
    divergence: {
      filed: database?.divergence.list().length ?? 0,
      pending: core.supersededPending + (database?.filing ?? 0),
      damagedBytes: database?.divergence.damagedBytes ?? 0,
    },
  };
}

/** The core tells how many of the writes it has are not logged yet. */
function withQueued(lanes: NodeStatus['lanes'], queued: number): NodeStatus['lanes'] {
  const { running, refused } = lanes.writes;
  return { ...lanes, writes: { running: Math.max(0, running - queued), waiting: queued, refused } };
}

function whyNotReady(parts: StatusParts, core: CoreStatus): string | undefined {
  if (parts.stopping) return 'the node stops';
  if (parts.database === undefined) return parts.waitsFor;
  if (core.exclusion !== undefined) return `excluded: ${core.exclusion}`;
  if (parts.database.isDiskFull) return 'the disk is full';
  if (core.role === 'forming') return 'the cluster has not formed: not all of its nodes have met';
  if (!core.serving) return 'its log is not repeated up to what it had applied';
  if (core.primary === undefined) return 'no primary is known';
  return undefined;
}
