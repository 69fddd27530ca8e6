/** A pending timer; `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Seam: time. */
export interface Clock {
  /** Monotonic milliseconds, fractional, of no known origin. */
  now(): number;
  /** Milliseconds since 1970: for people and logs only, never for a decision. */
  wallTime(): number;
  /** Calls back once, not before `delayMs` from now. A timer alone does not keep the process alive when `background`. */
  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer;
}

/** Seam: randomness. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  bytes(length: number): Uint8Array;
}
