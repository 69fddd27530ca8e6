import { assertNever, LIMITS, type Revision, type StepResult, type WriteResult } from '@holdfast/types';
import { binary, count, integer, list, optional, orNil, parts, revision } from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

const WRITTEN = 0;
const COUNTER = 1;
const CONFLICT = 2;
const NOT_AN_INTEGER = 3;
/** A transaction by the branch that ran. */
const THEN = 4;
const ELSE = 5;
const RESULT_TOO_LARGE = 6;
const CLEARED = 7;

const CHANGED = 0;
const COUNTED = 1;
const FOUND = 2;
const MISSING = 3;
/** Steps lie flat: code, revision, and what belongs to the code. */
const STEP_PARTS = 3;
const NO_REVISION = 0 as Revision;

/** A result takes three places of the message it is in: code, revision, and one number or list more. */
export const RESULT_PARTS = 3;

export function pushWriteResult(packed: Packable[], result: WriteResult): void {
  switch (result.kind) {
    case 'written':
      packed.push(WRITTEN, result.revision, 0);
      return;
    case 'counter':
      packed.push(COUNTER, result.revision, result.value);
      return;
    case 'conflict':
      packed.push(CONFLICT, result.revision, result.condition);
      return;
    case 'notAnInteger':
      packed.push(NOT_AN_INTEGER, result.revision, 0);
      return;
    case 'transaction':
      packed.push(result.branch === 'then' ? THEN : ELSE, result.revision, packSteps(result.steps));
      return;
    case 'cleared':
      packed.push(CLEARED, result.revision, [result.deleted, orNil(result.behind)]);
      return;
    case 'resultTooLarge':
      packed.push(RESULT_TOO_LARGE, result.revision, 0);
      return;
    default:
      assertNever(result);
  }
}

export function readWriteResult(packed: readonly unknown[], from: number): WriteResult {
  const revisionRead = revision(packed[from + 1], 'result.revision');
  const detail = packed[from + 2];
  switch (packed[from]) {
    case WRITTEN:
      return { kind: 'written', revision: revisionRead };
    case COUNTER:
      return { kind: 'counter', value: integer(detail, 'result.value'), revision: revisionRead };
    case CONFLICT:
      return { kind: 'conflict', condition: count(detail, 'result.condition'), revision: revisionRead };
    case NOT_AN_INTEGER:
      return { kind: 'notAnInteger', revision: revisionRead };
    case THEN:
      return { kind: 'transaction', branch: 'then', steps: readSteps(detail), revision: revisionRead };
    case ELSE:
      return { kind: 'transaction', branch: 'else', steps: readSteps(detail), revision: revisionRead };
    case CLEARED:
      return readCleared(detail, revisionRead);
    case RESULT_TOO_LARGE:
      return { kind: 'resultTooLarge', revision: revisionRead };
    default:
      throw invalid('result.kind', 'unknown code');
  }
}

function readCleared(value: unknown, revisionRead: Revision): WriteResult {
  const [deleted, behindRead] = parts(value, 'result.cleared', 2);
  const behind = optional(behindRead, 'result.behind', binary);
  return {
    kind: 'cleared',
    deleted: count(deleted, 'result.deleted'),
    ...(behind === undefined ? {} : { behind }),
    revision: revisionRead,
  };
}

function packSteps(steps: readonly StepResult[]): Packable[] {
  const packed: Packable[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case 'changed':
        packed.push(CHANGED, step.revision, null);
        break;
      case 'counter':
        packed.push(COUNTED, step.revision, step.value);
        break;
      case 'found':
        packed.push(FOUND, step.revision, step.value);
        break;
      case 'missing':
        packed.push(MISSING, NO_REVISION, null);
        break;
      default:
        assertNever(step);
    }
  }
  return packed;
}

function readSteps(value: unknown): StepResult[] {
  const flat = list(value, 'result.steps', { max: LIMITS.stepsPerBranchMax * STEP_PARTS });
  if (flat.length % STEP_PARTS !== 0) throw invalid('result.steps', 'the last one is not whole');
  const steps: StepResult[] = [];
  for (let place = 0; place < flat.length; place += STEP_PARTS) {
    const revisionRead = revision(flat[place + 1], 'result.steps.revision');
    const detail = flat[place + 2];
    switch (flat[place]) {
      case CHANGED:
        steps.push({ kind: 'changed', revision: revisionRead });
        break;
      case COUNTED:
        steps.push({
          kind: 'counter',
          value: integer(detail, 'result.steps.value'),
          revision: revisionRead,
        });
        break;
      case FOUND:
        steps.push({ kind: 'found', value: binary(detail, 'result.steps.value'), revision: revisionRead });
        break;
      case MISSING:
        steps.push({ kind: 'missing' });
        break;
      default:
        throw invalid('result.steps.kind', 'unknown code');
    }
  }
  return steps;
}
