import { SafetyViolation } from './safety-violation.ts';

/**
 * A watch tells nothing that could still be lost (G18): what no node has applied could. `revision`: of an event, as it is
 * told; `applied`: the newest that any node has applied by then.
 */
export function checkSafeEvent(client: string, revision: number, applied: number): void {
  if (revision <= applied) return;
  throw new SafetyViolation(
    'safe watches',
    `${client} is told of revision ${revision}, and no node has applied more than ${applied}`,
  );
}
