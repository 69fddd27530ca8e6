import type { ClientReply, Effect, Notice, ServedRead } from '@holdfast/core';
import type { Store } from '@holdfast/store';
import type { DatabaseUid, EntryTrace, NodeId, PeerMessage, WireError } from '@holdfast/types';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { Corruption } from './corruption.ts';

/** Where the driver of a database takes what its core wants done beyond its own log and store. */
export interface DriverPorts {
  /** `traces`: of its entries, if some hold a sampled request. */
  send(to: NodeId, database: DatabaseUid | '', message: PeerMessage, traces?: readonly EntryTrace[]): void;
  reply(connection: number, replies: readonly ClientReply[]): void;
  /** `logTime`: of now, as far as this node knows it. */
  serve(reads: readonly ServedRead[], store: Store, logTime: number): void;
  refuseReads(reads: Extract<Effect, { kind: 'refuseReads' }>['reads']): void;
  sendSnapshot(peer: NodeId): void;
  cancelSnapshot(peer: NodeId): void;
  /** The core has taken the received snapshot in `directory` for its store, or did not want it. */
  snapshotSettled(directory: string, taken: boolean): void;
  orderDone(id: number, error: WireError | undefined): void;
  notice(notice: Notice): void;
  /** Damage was met. What comes of it is another matter: it may be healed, or the end of this node. */
  corrupted(corruption: Corruption): void;
  /** Ends whatever reads from the store that was replaced: it is closed when this resolves. */
  storeReplaced(): Promise<void>;
  /** The database cannot go on; said once. */
  failed(error: Error): void;
  readonly metrics: Pick<NodeMetrics, 'apply' | 'sync' | 'roundTrip'>;
}
