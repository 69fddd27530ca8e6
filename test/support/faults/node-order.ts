/** What a parent tells a node process to suffer from now on. Absent: as before. */
export interface NodeOrder {
  /** Everything said to peers leaves so much later, milliseconds. */
  readonly lagMs?: number;
  readonly diskFull?: boolean;
  readonly wallOffsetMs?: number;
}
