import type { SegmentScan } from './segment-scan.ts';

/**
 * Of the segments that are there, in order, those from which the log is to be read. The others were removed as its head,
 * and are back: a sync of the directory had failed, and what it was to cover was dropped, so that no later one took the
 * removal along, and a loss of power undid it. The entries that followed are gone for good, and taken for damage they
 * would keep the node out. Such a segment ends as it was left, with a mark, and the next one that is there begins later:
 * files lack between. Where no file does, or one lacks that was cut off behind an end, records follow one another.
 */
export function withoutCutSegments(segments: readonly SegmentScan[]): readonly SegmentScan[] {
  const first = segments.findLastIndex((next, place) => {
    const before = segments[place - 1];
    return before !== undefined && lacksBetween(before, next);
  });
  return segments.slice(Math.max(0, first));
}

function lacksBetween(before: SegmentScan, next: SegmentScan): boolean {
  const end = before.frames.at(-1)?.header;
  return (
    next.segment > before.segment + 1 &&
    next.head !== undefined &&
    end?.kind === 'mark' &&
    end.ticket < next.head.firstTicket - 1
  );
}
