import { type EntryRequest, keyText, mutationsOf, type RangeClearing } from '@holdfast/types';
import type { LoggedState } from './logged-state.ts';

type LoggedWrite = Extract<EntryRequest, { kind: 'write' }>;

/**
 * What is wrong with a clear, given all that was logged before: of the part of the range that it says it has looked at,
 * it deletes exactly what is there and is not newer than the state to be cleared, and not more than so many.
 */
export function problemOfClear(
  request: LoggedWrite,
  asked: RangeClearing,
  { records }: LoggedState,
): string | undefined {
  const { result } = request;
  if (result.kind !== 'cleared') return `comes to ${result.kind}`;
  const deleted = mutationsOf(request).map(({ key }) => keyText(key));
  const due = [...records]
    .filter(([key, { revision }]) => isLookedAt(key, asked, result.behind) && revision <= asked.upTo)
    .map(([key]) => key)
    .sort();
  if (asked.reverse) due.reverse();
  if (`${deleted}` !== `${due}`)
    return `deletes ${deleted.join(' ') || 'nothing'}, and ${due.join(' ')} was due`;
  if (result.deleted !== deleted.length) return `says ${result.deleted}, and deletes ${deleted.length}`;
  if (asked.limit >= 0 && deleted.length > asked.limit) return `deletes more than ${asked.limit}`;
  return undefined;
}

function isLookedAt(key: string, asked: RangeClearing, behind: Uint8Array | undefined): boolean {
  const { gt, gte, lt, lte, reverse } = asked;
  if (gte === undefined ? gt !== undefined && key <= keyText(gt) : key < keyText(gte)) return false;
  if (lte === undefined ? lt !== undefined && key >= keyText(lt) : key > keyText(lte)) return false;
  if (behind === undefined) return true;
  return reverse ? key >= keyText(behind) : key <= keyText(behind);
}
