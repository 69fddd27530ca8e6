import { assert, HoldfastError, type RangeClearing, type Revision, type WriteReceipt } from '@holdfast/types';
import { type KeyBounds, rangeBehind } from './keys/key-bounds.ts';
import type { RangeCursor } from './range-cursor.ts';
import { fromWire } from './session/failures.ts';

export interface RangeClearOptions {
  /** Of the state that is to be cleared. */
  readonly cursor: RangeCursor;
  /** Of stored keys. */
  readonly bounds: KeyBounds;
  readonly reverse: boolean;
  /** -1: no limit. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  write(clear: RangeClearing): Promise<WriteReceipt>;
}

/**
 * Has a range deleted, a piece at a time: the primary finds the keys of each, and says where the next one begins. What was
 * written after the state of the cursor stays: no other write need be held back, and none of the pieces depends on the
 * node that showed it.
 */
export async function clearRange(options: RangeClearOptions): Promise<void> {
  const { reverse } = options;
  let { bounds, limit } = options;
  let hasDeleted = false;
  const upTo = limit === 0 ? undefined : await revisionToClear(options);
  if (upTo === undefined) return;
  for (;;) {
    const { result } = await writePiece(options, { ...bounds, reverse, limit, upTo }, hasDeleted);
    assert(result.kind === 'cleared', 'a clear has the result of one');
    const { deleted, behind } = result;
    hasDeleted ||= deleted > 0;
    if (limit > 0) limit -= deleted;
    if (behind === undefined || limit === 0) return;
    bounds = rangeBehind(bounds, behind, reverse);
  }
}

/** What one piece says of itself is not what became of the whole, once another has deleted something (G6). */
async function writePiece(
  { write }: RangeClearOptions,
  clear: RangeClearing,
  hasDeleted: boolean,
): Promise<WriteReceipt> {
  try {
    return await write(clear);
  } catch (error) {
    if (!hasDeleted || !(error instanceof HoldfastError) || error.outcome !== 'not-applied') throw error;
    const { attempts, node } = error;
    throw fromWire(error, { attempts, node, outcome: 'unknown', cause: error });
  }
}

/** Undefined: the range is empty. */
async function revisionToClear({ cursor, signal }: RangeClearOptions): Promise<Revision | undefined> {
  try {
    const found = await cursor.take(1, signal);
    return found.length === 0 ? undefined : cursor.revision;
  } finally {
    cursor.close();
  }
}
