import {
  assertNever,
  LIMITS,
  type Mutation,
  type Operation,
  type Revision,
  resultBytes,
  type StepResult,
  type WriteResult,
} from '@holdfast/types';
import { sumOf } from './counter.ts';
import type { CurrentRecord, Evaluation, Lookup, RevisionsAt } from './evaluation.ts';
import { keyText } from './overlay.ts';

const NO_MUTATIONS: readonly Mutation[] = [];
const ABSENT = 0 as Revision;
const MISSING: StepResult = { kind: 'missing' };

/**
 * Runs one branch of a transaction: each step sees the newest state and what the steps before it left. All of it or
 * nothing: a step that cannot be done, or results that nobody could keep, undo the whole branch.
 */
export function runBranch(
  branch: 'then' | 'else',
  steps: readonly Operation[],
  lookup: Lookup,
  revisions: RevisionsAt,
): Evaluation {
  const changed = new Map<string, CurrentRecord | undefined>();
  const mutations: Mutation[] = [];
  const results: StepResult[] = [];
  const current = (key: Uint8Array): CurrentRecord | undefined => {
    const text = keyText(key);
    return changed.has(text) ? changed.get(text) : lookup(key);
  };
  for (const step of steps) {
    const revision = (revisions.nextRevision + mutations.length) as Revision;
    switch (step.kind) {
      case 'put':
        changed.set(keyText(step.key), { revision, value: step.value });
        mutations.push(step);
        results.push({ kind: 'changed', revision });
        break;
      case 'del':
        changed.set(keyText(step.key), undefined);
        mutations.push(step);
        results.push({ kind: 'changed', revision });
        break;
      case 'increment': {
        const before = current(step.key);
        const sum = sumOf(before, step.by);
        if (sum === undefined) {
          // Of the state before: what the branch did to the key never happened.
          return refused({ kind: 'notAnInteger', revision: lookup(step.key)?.revision ?? ABSENT });
        }
        changed.set(keyText(step.key), { revision, value: sum.text });
        mutations.push({ kind: 'put', key: step.key, value: sum.text });
        results.push({ kind: 'counter', value: sum.value, revision });
        break;
      }
      case 'get': {
        const found = current(step.key);
        results.push(found === undefined ? MISSING : { kind: 'found', ...found });
        break;
      }
      default:
        assertNever(step);
    }
  }
  const last =
    mutations.length === 0 ? revisions.lastRevision : revisions.nextRevision + mutations.length - 1;
  const result: WriteResult = { kind: 'transaction', branch, steps: results, revision: last as Revision };
  if (resultBytes(result) > LIMITS.transactionResultBytesMax)
    return refused({ kind: 'resultTooLarge', revision: revisions.lastRevision });
  return { mutations, result };
}

function refused(result: WriteResult): Evaluation {
  return { mutations: NO_MUTATIONS, result };
}
