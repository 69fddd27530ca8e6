import { keyText, type Mutation, type RangeClearing, type Revision } from '@holdfast/types';
import type { FoundRange } from '../api.ts';
import type { Evaluation, EvaluationPoint } from './evaluation.ts';
import type { Overlay } from './overlay.ts';

/**
 * The deletes of a clear, now that its turn has come. What the store showed may have been written or deleted since: the
 * overlay has that, and what is newer than the state that is to be cleared stays.
 */
export function evaluateClear(
  { upTo }: RangeClearing,
  { keys, behind }: FoundRange,
  { point, overlay }: { readonly point: EvaluationPoint; readonly overlay: Overlay },
): Evaluation {
  const mutations: Mutation[] = [];
  for (const key of keys) {
    const newer = overlay.get(keyText(key));
    if (newer === undefined || (newer.value !== null && newer.revision <= upTo))
      mutations.push({ kind: 'del', key });
  }
  const deleted = mutations.length;
  const revision = (deleted === 0 ? point.lastRevision : point.nextRevision + deleted - 1) as Revision;
  const result = { kind: 'cleared', deleted, revision } as const;
  return { mutations, result: behind === undefined ? result : { ...result, behind } };
}
