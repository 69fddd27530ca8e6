/** A node by its id (`n1`), or by what it is when the fault strikes: with none there, as soon as there is one. */
export type NodeChoice = 'primary' | 'standby' | (string & {});

interface Planned {
  /** Milliseconds of virtual time after the body began. */
  readonly afterMs: number;
}

interface PlannedForAWhile extends Planned {
  /** Milliseconds until it is over; by default it lasts. */
  readonly forMs?: number;
}

/** A fault at a given moment. */
export type PlannedFault =
  /** The process dies as with `kill -9`; it is started again when `forMs` are over. */
  | (PlannedForAWhile & { readonly kind: 'kill'; readonly node: NodeChoice })
  /** The machine loses power, and what it had not synced in a drawn part; started again when `forMs` are over. */
  | (PlannedForAWhile & { readonly kind: 'powerOff'; readonly node: NodeChoice })
  /** The process stands still, as in a long pause of the garbage collector. */
  | (PlannedForAWhile & { readonly kind: 'freeze'; readonly node: NodeChoice })
  /** Nothing reaches it or leaves it, and nobody is told. */
  | (PlannedForAWhile & { readonly kind: 'isolate'; readonly node: NodeChoice })
  /** Nothing passes between two hosts, and neither is told. */
  | (PlannedForAWhile & { readonly kind: 'cut'; readonly between: readonly [one: string, other: string] })
  /** Its disk has no room for anything. */
  | (PlannedForAWhile & { readonly kind: 'fullDisk'; readonly node: NodeChoice })
  /** Its disk takes `times` as long for everything. */
  | (PlannedForAWhile & { readonly kind: 'slowDisk'; readonly node: NodeChoice; readonly times: number })
  /** The primary is told to hand over, to the node named or to the best standby. */
  | (Planned & { readonly kind: 'switchover'; readonly to?: string });
