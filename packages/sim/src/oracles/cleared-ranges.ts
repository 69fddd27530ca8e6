import type { BookedClear } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

/**
 * A `clear` that was answered has left nothing of what was there when it was asked: each key of its range that held a
 * value acknowledged before was deleted between that and the answer, whoever did it, or was written anew, which a clear
 * may leave alone.
 */
export function checkClearedRanges(clears: readonly BookedClear[], log: WinningLog): void {
  for (const { client, keys, floor, ceiling } of clears) {
    const floorIndex = log.at(floor)?.index ?? 0;
    for (const key of keys) {
      const mutations = log.ofKey(key);
      const before = mutations.filter(({ index }) => index <= floorIndex).at(-1);
      if (before?.value === undefined) continue;
      if (mutations.some(({ index, revision }) => index > before.index && revision <= ceiling)) continue;
      throw new SafetyViolation(
        'cleared ranges',
        `${client} cleared its range after ${key}=${before.value} was there at ${before.index}, and it still was`,
      );
    }
  }
}
