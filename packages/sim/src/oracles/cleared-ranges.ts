import type { BookedClear } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

/**
 * A `clear` that was answered has left nothing of what was there when it was asked: each key of its range that held a
 * value acknowledged before was deleted after that, whoever did it, or was written anew, which a clear may leave alone.
 */
export function checkClearedRanges(clears: readonly BookedClear[], log: WinningLog): void {
  for (const { client, keys, floor } of clears) {
    const floorIndex = log.at(floor)?.index ?? 0;
    for (const key of keys) {
      const mutations = log.ofKey(key);
      const before = mutations.filter(({ index }) => index <= floorIndex).at(-1);
      if (before?.value === undefined) continue;
      if (mutations.some(({ index }) => index > before.index)) continue;
      throw new SafetyViolation(
        'cleared ranges',
        `${client} cleared its range after ${key}=${before.value} was there at ${before.index}, and it still is`,
      );
    }
  }
}
