import type { Ack, Revision, Term, WriteReceipt } from '@holdfast/types';

/** What became of a write. */
export interface WriteSummary {
  /** Of its last mutation that no hook added; what conditions of later writes compare with. */
  readonly revision: Revision;
  readonly term: Term;
  /** The level reached: at least the one asked for. */
  readonly ack: Ack;
  /** Voters known to hold it durably. */
  readonly copies: number;
  /** An earlier attempt of this same call was the one that wrote. */
  readonly repeated: boolean;
}

export function summaryOf({ result, term, ack, copies, repeated }: WriteReceipt): WriteSummary {
  return { revision: result.revision, term, ack, copies, repeated };
}
