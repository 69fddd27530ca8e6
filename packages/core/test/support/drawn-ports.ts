import type { Ack, Position, Revision, SessionId } from '@holdfast/types';
import type { ProposedRead, ProposedWrite } from '../../src/api.ts';
import type { SeededRandom } from '../../src/kernel/seeded-random.ts';
import type { ClusterHistory } from './cluster-history.ts';
import type { MemoryStore } from './memory-store.ts';

/** A node as its clients and their oracles see it. */
export interface ServingNode {
  readonly id: string;
  readonly boot: number;
  readonly store: MemoryStore;
  readonly isUp: boolean;
  /** Its disk was wiped or damaged since the start: what only it held may be gone. */
  readonly hasLost: boolean;
  /** Its own entry at `position`, durable there. */
  holds(position: Position): boolean;
}

/** What clients do to a cluster. */
export interface DrawnPorts {
  readonly random: SeededRandom;
  readonly history: ClusterHistory;
  now(): number;
  nodes(): readonly ServingNode[];
  likelyPrimary(): ServingNode;
  propose(
    node: ServingNode,
    frame: { session: SessionId; floor: number; requests: readonly ProposedWrite[] },
  ): void;
  openSession(node: ServingNode, id: number, remainingMs: number): void;
  closeSession(node: ServingNode, id: number, session: SessionId): void;
  read(node: ServingNode, read: ProposedRead): void;
  /** Deadline on the clock of that node. */
  deadline(node: ServingNode, ms: number): number;
}

/** What a client keeps of one session. */
export interface Session {
  readonly id: SessionId;
  next: number;
  floor: number;
  readonly settled: Set<number>;
  closing: boolean;
  token: Revision;
  /** Newest revision met of each key. */
  readonly seen: Map<string, Revision>;
}

/** An acknowledgement that was given. */
export interface Acknowledged {
  readonly at: number;
  readonly level: Ack;
  readonly position: Position;
  /** What it wrote: each key with its revision. */
  readonly keys: ReadonlyMap<string, Revision>;
  readonly node: ServingNode;
}
