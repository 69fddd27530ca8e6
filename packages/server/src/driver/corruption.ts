import type { RecoveredLog } from '@holdfast/core';
import type { LogIndex, StoreState } from '@holdfast/types';

/** Something on the disk is not what was written there. */
export interface Corruption {
  readonly what: 'log' | 'store';
  /** Directory. */
  readonly where: string;
  readonly reason: string;
}

/** A log may be damaged all over. */
const HOLES_TOLD_MAX = 8;

/**
 * What recovery stepped over. Holes below the checkpoint count, too: nothing is read from there, but the disk took them.
 * `damaged`: see `Wal.open`.
 */
export function corruptionOfLog(
  where: string,
  found: { readonly holes: RecoveredLog['holes']; readonly damaged: boolean },
): Corruption | undefined {
  const { holes, damaged } = found;
  if (holes.length > 0) return { what: 'log', where, reason: `entries are lost: ${rangesOf(holes)}` };
  return damaged
    ? { what: 'log', where, reason: 'records are lost, though no entry that is known of' }
    : undefined;
}

export function corruptionOfStore(
  where: string,
  found: { readonly state: StoreState; readonly usable: boolean; readonly reason: string | undefined },
  firstInLog: LogIndex,
): Corruption | undefined {
  const { state, usable, reason = 'it cannot be used' } = found;
  if (!usable) return { what: 'store', where, reason };
  const next = state.checkpoint.index + 1;
  if (next >= firstInLog) return undefined;
  return { what: 'store', where, reason: `it lacks entry ${next}, and the log begins with ${firstInLog}` };
}

function rangesOf(holes: RecoveredLog['holes']): string {
  const told = holes
    .slice(0, HOLES_TOLD_MAX)
    .map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  const more = holes.length - told.length;
  return more > 0 ? `${told.join(', ')} and ${more} more` : told.join(', ');
}
