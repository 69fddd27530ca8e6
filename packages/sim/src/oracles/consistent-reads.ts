import type { BookedRead } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

/** Log indexes from the first up to but not including the second. */
type Span = readonly [from: number, to: number];

const NAME = 'consistent reads';

/**
 * A read of several keys shows one state of the log that won, after some entry and before the next (G7, G12); a
 * linearizable one a state not older than what had been acknowledged when it was asked (G9), one of a stated age a state
 * not older than what had been acknowledged that long before (G11).
 */
export function checkConsistentReads(reads: readonly BookedRead[], log: WinningLog): void {
  for (const read of reads) {
    const { client, consistency, found, floor, agedFloor = 0 } = read;
    let spans: Span[] = [[0, Infinity]];
    for (const [key, value] of found) {
      spans = common(spans, spansOf(log, key, value));
      if (spans.length > 0) continue;
      throw new SafetyViolation(
        NAME,
        `${client} found ${textOf(read)} at ${consistency}: never so at one time`,
      );
    }
    const floorIndex = log.at(consistency === 'linearizable' ? floor : agedFloor)?.index ?? 0;
    if (spans.at(-1)![1] > floorIndex) continue;
    throw new SafetyViolation(
      NAME,
      `${client} found ${textOf(read)}, last so before ${spans.at(-1)![1]}; ${floorIndex} was acknowledged before`,
    );
  }
}

/** When the key held the value; undefined: when it was absent. */
function spansOf(log: WinningLog, key: string, value: string | undefined): Span[] {
  const spans: Span[] = [];
  let current: string | undefined;
  let since = 0;
  const ends = (at: number): void => {
    if (current === value && at > since) spans.push([since, at]);
  };
  for (const mutation of log.ofKey(key)) {
    ends(mutation.index);
    current = mutation.value;
    since = mutation.index;
  }
  ends(Infinity);
  return spans;
}

function common(some: readonly Span[], others: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const [from, to] of some)
    for (const [start, end] of others)
      if (Math.max(from, start) < Math.min(to, end)) spans.push([Math.max(from, start), Math.min(to, end)]);
  return spans;
}

function textOf({ found }: BookedRead): string {
  return [...found].map(([key, value]) => `${key}=${value ?? 'absent'}`).join(', ');
}
