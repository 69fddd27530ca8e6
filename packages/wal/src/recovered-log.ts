import type { RecoveredLog } from '@holdfast/core';
import { type Entry, type LogIndex, lastRevisionOf, type Revision } from '@holdfast/types';
import { EntryReader } from './entry-reader.ts';
import type { LogMap } from './log-map.ts';
import type { Recovery } from './recovery.ts';
import type { SegmentSet } from './segment-set.ts';

/** A recovered log as the core wants it. */
export async function describeRecovery(
  recovery: Recovery,
  segments: SegmentSet,
  codec: { decode(bytes: Uint8Array): Entry },
): Promise<RecoveredLog> {
  const { state, content } = recovery;
  const { map } = content;
  const reader = new EntryReader(segments, codec);
  const newest = newestHeld(map);
  const location = map.locate(newest);
  const newestEntry = location === undefined ? undefined : await reader.readAt(newest, location);
  const superseded: Entry[] = [];
  for (const removed of content.superseded.list()) {
    if (map.termAt(removed.index) === removed.term) content.superseded.judged(removed);
    else superseded.push(await reader.readAt(removed.index, removed));
  }
  return {
    hardState: state.hardState,
    commitFloor: state.commitFloor,
    ticket: recovery.ticket,
    ...(state.genesis === undefined ? {} : { genesis: state.genesis }),
    ...(state.exclusion === undefined ? {} : { exclusion: state.exclusion }),
    base: state.base.position,
    ...(state.base.directory === undefined ? {} : { baseDirectory: state.base.directory }),
    first: map.first,
    last: map.last,
    lastRevision: newestEntry === undefined ? (0 as Revision) : lastRevisionOf(newestEntry),
    lastLogTime: newestEntry?.logTime ?? 0,
    termRuns: map.termRuns(),
    superseded,
    holes: map.gaps(),
  };
}

function newestHeld(map: LogMap): LogIndex {
  let index = map.last.index as number;
  while (index >= map.first && !map.holds(index)) index--;
  return index as LogIndex;
}
