import type { ClientMessage, NodeId, Revision, Term, Topology } from '@holdfast/types';
import type { BreakerChange } from '../resilience/breakers.ts';
import type { AnyCall, LinkId, Repeat, StaleRead } from './call.ts';
import type { LocalReceipt } from './local-receipts.ts';

/** Another primary, or none. */
export interface PrimaryChange {
  readonly term: Term;
  readonly primary?: NodeId;
}

/** A node is in reach again. */
export interface Reconnection {
  readonly node: NodeId;
  /** How long none was, milliseconds. */
  readonly afterMs: number;
}

/** What users of a client are told as events. */
export type ClientNews =
  | { readonly event: 'primary'; readonly detail: PrimaryChange }
  /** No node is in reach. */
  | { readonly event: 'disconnected'; readonly detail: Record<string, never> }
  /** One is, again. */
  | { readonly event: 'reconnected'; readonly detail: Reconnection }
  | { readonly event: 'breaker'; readonly detail: BreakerChange };

/** What the session logic wants done, in order. */
export type SessionEffect =
  /** One frame. */
  | { readonly kind: 'send'; readonly link: LinkId; readonly messages: readonly ClientMessage[] }
  /** The call is decided: tell its caller. */
  | { readonly kind: 'settled'; readonly call: AnyCall }
  /** It is answered with less than was asked for: tell its owner. */
  | { readonly kind: 'degraded'; readonly call: AnyCall; readonly detail: StaleRead }
  /** The call was sent once more. */
  | {
      readonly kind: 'resent';
      readonly call: AnyCall;
      readonly repeat: Repeat;
      readonly node: NodeId | undefined;
    }
  /** The node broke the protocol: cut the link. */
  | { readonly kind: 'violation'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'topology'; readonly topology: Topology }
  | { readonly kind: 'news'; readonly news: ClientNews }
  /** Revisions between `surviving` and `lost` that this client had seen are gone. */
  | {
      readonly kind: 'diverged';
      readonly lost: Revision;
      readonly surviving: Revision;
      readonly locals: readonly LocalReceipt[];
    };
