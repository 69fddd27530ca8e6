/** How full a lane is. */
export interface LaneLoad {
  /** Requests begun and not answered. */
  readonly running: number;
  /** Requests that wait to be begun. */
  readonly waiting: number;
  /** Requests refused with HOLDFAST_OVERLOADED, in this run of the node. */
  readonly refused: number;
}
