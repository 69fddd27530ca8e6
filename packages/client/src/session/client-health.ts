import type { Lane, NodeId, Term } from '@holdfast/types';
import type { BreakerCause, BreakerState } from '../resilience/node-breaker.ts';
import type { ClientCounters } from '../resilience/tally.ts';

/** A node as this client sees it. */
export interface NodeHealth {
  readonly id: NodeId;
  readonly url: string;
  /** There is a connection, and it was welcomed. */
  readonly linked: boolean;
  /** It should have said something by now. */
  readonly silent: boolean;
  readonly breaker: BreakerState;
  /** Why it is left out. */
  readonly breakerCause?: BreakerCause;
}

/** Calls of one kind, which those of other kinds do not take the room of. */
export interface LaneHealth {
  /** Not settled, and the bytes of their keys and values. */
  readonly calls: number;
  readonly bytes: number;
  /** Refused with HOLDFAST_CLIENT_QUEUE_FULL so far. */
  readonly refused: number;
}

/** How a client is doing, at one moment. Clients that share connections share this as well. */
export interface ClientHealth {
  /** Whether some node can be asked. */
  readonly connected: boolean;
  readonly term: Term;
  /** Absent while none is known. */
  readonly primary?: NodeId;
  readonly nodes: readonly NodeHealth[];
  /** Calls not settled, and the bytes of their keys and values. */
  readonly pending: { readonly calls: number; readonly bytes: number };
  /** The same by kind. */
  readonly lanes: Readonly<Record<Lane, LaneHealth>>;
  /** Of these, calls that no node has been asked to answer. */
  readonly waiting: number;
  /** Tokens left. */
  readonly retryBudget: number;
  readonly counters: ClientCounters;
}
