import {
  assertNever,
  keyText,
  LIMITS,
  type Mutation,
  type Operation,
  type Revision,
  resultBytes,
  type StepResult,
  type WriteResult,
} from '@holdfast/types';
import { counted, sumOf } from './counter.ts';
import type { CurrentRecord, Evaluation, EvaluationPoint, Lookup } from './evaluation.ts';
import { putOf } from './expiry.ts';

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
  point: EvaluationPoint,
): Evaluation {
  const changed = new Map<string, CurrentRecord | undefined>();
  const mutations: Mutation[] = [];
  const results: StepResult[] = [];
  let renewedBytes = 0;
  const current = (key: Uint8Array): CurrentRecord | undefined => {
    const text = keyText(key);
    return changed.has(text) ? changed.get(text) : lookup(key);
  };
  for (const step of steps) {
    const revision = (point.nextRevision + mutations.length) as Revision;
    const put = (mutation: Extract<Mutation, { kind: 'put' }>): void => {
      changed.set(keyText(mutation.key), recordOf(mutation, revision));
      mutations.push(mutation);
    };
    switch (step.kind) {
      case 'put':
        put(putOf(step, current, point));
        results.push({ kind: 'changed', revision });
        break;
      case 'expire': {
        const found = current(step.key);
        if (found === undefined) {
          results.push(MISSING);
          break;
        }
        renewedBytes += found.value.byteLength;
        put(putOf({ ...step, value: found.value }, current, point));
        results.push({ kind: 'changed', revision });
        break;
      }
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
        put(counted(step.key, sum.text, before));
        results.push({ kind: 'counter', value: sum.value, revision });
        break;
      }
      case 'get': {
        const found = current(step.key);
        results.push(
          found === undefined ? MISSING : { kind: 'found', value: found.value, revision: found.revision },
        );
        break;
      }
      default:
        assertNever(step);
    }
  }
  const last = mutations.length === 0 ? point.lastRevision : point.nextRevision + mutations.length - 1;
  const result: WriteResult = { kind: 'transaction', branch, steps: results, revision: last as Revision };
  // What is renewed is written again, and was not counted when the request came.
  if (resultBytes(result) > LIMITS.transactionResultBytesMax || renewedBytes > LIMITS.requestBytesMax)
    return refused({ kind: 'resultTooLarge', revision: point.lastRevision });
  return { mutations, result };
}

function recordOf(
  { value, expiresAt }: Extract<Mutation, { kind: 'put' }>,
  revision: Revision,
): CurrentRecord {
  return expiresAt === undefined ? { revision, value } : { revision, value, expiresAt };
}

function refused(result: WriteResult): Evaluation {
  return { mutations: NO_MUTATIONS, result };
}
