import type { ClientMessage, Revision, Topology } from '@holdfast/types';
import type { AnyCall, LinkId } from './call.ts';

/** What the session logic wants done, in order. */
export type SessionEffect =
  /** One frame. */
  | { readonly kind: 'send'; readonly link: LinkId; readonly messages: readonly ClientMessage[] }
  /** The call is decided: tell its caller. */
  | { readonly kind: 'settled'; readonly call: AnyCall }
  /** The node broke the protocol: cut the link. */
  | { readonly kind: 'violation'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'topology'; readonly topology: Topology }
  /** Revisions between `surviving` and `lost` that this client had seen are gone. */
  | { readonly kind: 'diverged'; readonly lost: Revision; readonly surviving: Revision };
