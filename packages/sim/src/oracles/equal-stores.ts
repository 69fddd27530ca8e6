import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

type Pair = readonly [key: string, value: string];

/** What is read in the end, of all that is stored and in the order of keys, is what the log comes to. */
export function checkEqualStores(found: readonly Pair[], log: WinningLog): void {
  const due = [...log.finalState()];
  for (let place = 0; place < Math.max(due.length, found.length); place += 1) {
    const [is, should] = [found[place]?.join('='), due[place]?.join('=')];
    if (is !== should)
      throw new SafetyViolation('equal stores', `in the end ${is} is read where the log says ${should}`);
  }
}
