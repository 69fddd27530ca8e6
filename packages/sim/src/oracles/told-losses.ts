import type { ToldLoss } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

/** Of what a client was told that a failover has lost nothing is in the log that won (G3). */
export function checkToldLosses(losses: readonly ToldLoss[], log: WinningLog): void {
  for (const { client, revisions } of losses) {
    const survivor = revisions.find((revision) => log.at(revision) !== undefined);
    if (survivor === undefined) continue;
    throw new SafetyViolation(
      'told losses',
      `${client} was told that revision ${survivor} is lost, and it is in the log`,
    );
  }
}
