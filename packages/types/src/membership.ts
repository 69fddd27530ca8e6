import type { BootId, ClusterId, DatabaseUid, DiskId, NodeId } from './brands.ts';

/** Made once, when the cluster forms, by the lowest node id; adopted by every node whose disk it names. */
export interface Genesis {
  readonly cluster: ClusterId;
  /** Databases by name; `default` always. */
  readonly databases: Readonly<Record<string, DatabaseUid>>;
  /** Voters by node id, each with the disk it was formed on. */
  readonly voters: Readonly<Record<string, DiskId>>;
  /** Constants that may never change in a cluster's life. */
  readonly limits: { readonly revisionGap: number };
}

/** Why a node neither votes nor counts. Kept over restarts until an operator replaces it. */
export type Exclusion = 'wiped' | 'disk-went-back' | 'hard-state-lost';

/** What each side of a peer link says first, inside the WebSocket handshake's first frame. */
export interface PeerHello {
  readonly protocol: number;
  readonly node: NodeId;
  readonly disk: DiskId;
  readonly boot: BootId;
  /** Absent until this node holds a genesis. */
  readonly cluster?: ClusterId;
  /** The configured voters, sorted. */
  readonly voters: readonly NodeId[];
  readonly exclusion?: Exclusion;
  /** Where clients reach this node: a ws:// address. */
  readonly clientUrl: string;
  readonly zone?: string;
}
