import { assertNever, type WriteResult } from '@holdfast/types';
import { count, integer, revision } from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

const WRITTEN = 0;
const COUNTER = 1;
const CONFLICT = 2;
const NOT_AN_INTEGER = 3;

/** A result takes three places of the message it is in: code, revision, and one number more. */
export const RESULT_PARTS = 3;

export function pushWriteResult(parts: Packable[], result: WriteResult): void {
  switch (result.kind) {
    case 'written':
      parts.push(WRITTEN, result.revision, 0);
      return;
    case 'counter':
      parts.push(COUNTER, result.revision, result.value);
      return;
    case 'conflict':
      parts.push(CONFLICT, result.revision, result.condition);
      return;
    case 'notAnInteger':
      parts.push(NOT_AN_INTEGER, result.revision, 0);
      return;
    default:
      assertNever(result);
  }
}

export function readWriteResult(parts: readonly unknown[], from: number): WriteResult {
  const revisionRead = revision(parts[from + 1], 'result.revision');
  const detail = parts[from + 2];
  switch (parts[from]) {
    case WRITTEN:
      return { kind: 'written', revision: revisionRead };
    case COUNTER:
      return { kind: 'counter', value: integer(detail, 'result.value'), revision: revisionRead };
    case CONFLICT:
      return { kind: 'conflict', condition: count(detail, 'result.condition'), revision: revisionRead };
    case NOT_AN_INTEGER:
      return { kind: 'notAnInteger', revision: revisionRead };
    default:
      throw invalid('result.kind', 'unknown code');
  }
}
