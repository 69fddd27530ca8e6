/**
 * - `silent`: nothing said by or to a peer comes through, as with a cut cable; links stay open.
 * - `refused`: links to and from peers break, and new ones are refused, as if this process were gone.
 */
export type PeerLinkFault = 'none' | 'silent' | 'refused';

/** What a parent tells a node process to suffer. Absent: as before. */
export interface NodeOrder {
  readonly peers?: PeerLinkFault;
  /** The event loop stands still for so long, once, milliseconds. */
  readonly stallMs?: number;
  /** Every sync is claimed to be done without being done. */
  readonly lyingSync?: boolean;
}

/** What a node process tells its parent. */
export type NodeReport =
  /** It listens and has opened its data. `pid` is its own, whatever command started it. */
  { readonly kind: 'up'; readonly pid: number } | { readonly kind: 'obeyed' };
