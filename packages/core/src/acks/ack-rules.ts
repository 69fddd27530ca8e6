import type { Ack, LogIndex } from '@holdfast/types';

/** How many voters make a majority. */
export function quorumSize(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest index that a majority of `matches` (one per voter) holds. */
export function majorityIndex(matches: readonly LogIndex[]): LogIndex {
  return majorityValue(matches) as LogIndex;
}

/** The highest value that a majority of one value per voter reaches. */
export function majorityValue(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const quorum = quorumSize(values.length);
  let highest = -Infinity;
  // Asked several times in every step: voters are few, and a sorted copy costs more than to count.
  for (const value of values) {
    if (value <= highest) continue;
    let holders = 0;
    for (const other of values) if (other >= value) holders += 1;
    if (holders >= quorum) highest = value;
  }
  return highest;
}

/** The index that every voter holds. */
function unanimousIndex(matches: readonly LogIndex[]): LogIndex {
  let lowest = Number.MAX_SAFE_INTEGER;
  for (const match of matches) if (match < lowest) lowest = match;
  return (matches.length === 0 ? 0 : lowest) as LogIndex;
}

/** What each level has reached: an entry at or below its level's index is acknowledged at that level. */
export type Reached = Readonly<Record<Ack, LogIndex>>;

/**
 * - `local`: durable on the primary.
 * - `quorum`: committed.
 * - `all`: committed and durable on every voter.
 */
export function reachedIndexes(state: {
  readonly durable: LogIndex;
  readonly commit: LogIndex;
  readonly matches: readonly LogIndex[];
}): Reached {
  return {
    local: state.durable,
    quorum: state.commit,
    all: Math.min(state.commit, unanimousIndex(state.matches)) as LogIndex,
  };
}

const STRENGTH: Readonly<Record<Ack, number>> = { local: 0, quorum: 1, all: 2 };

export function strongerAck(a: Ack, b: Ack): Ack {
  return STRENGTH[a] >= STRENGTH[b] ? a : b;
}

/** The strongest level that `index` has reached; undefined before the first. */
export function levelReached(reached: Reached, index: LogIndex): Ack | undefined {
  if (index <= reached.all) return 'all';
  if (index <= reached.quorum) return 'quorum';
  return index <= reached.local ? 'local' : undefined;
}
