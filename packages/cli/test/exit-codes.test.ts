import { ERROR_CODES, type ErrorCode, HoldfastError } from '@holdfast/types';
import { expect, it } from 'vitest';
import { exitStatusOf } from '../src/exit-codes.ts';
import { describeError, hintFor, rootOf } from '../src/hints.ts';

it.each([
  ['HOLDFAST_CONFLICT', 1],
  ['HOLDFAST_NOT_AN_INTEGER', 1],
  ['HOLDFAST_KEY_TOO_LARGE', 1],
  ['HOLDFAST_WRONG_CLUSTER', 1],
  ['HOLDFAST_INVALID_ARGUMENT', 2],
  ['HOLDFAST_INVALID_CONFIGURATION', 2],
  ['HOLDFAST_NO_PRIMARY', 3],
  ['HOLDFAST_NOT_READY', 3],
  ['HOLDFAST_DEADLINE_EXCEEDED', 4],
  ['HOLDFAST_ACK_NOT_REACHED', 4],
  ['HOLDFAST_OUTCOME_UNKNOWN', 4],
] as const)('%s ends with %i', (code, status) => {
  expect(exitStatusOf(new HoldfastError(code, 'x'))).toBe(status);
});

it('never tells a write that may be there like one that is not', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    expect(exitStatusOf(new HoldfastError(code, 'x', { outcome: 'unknown' }))).toBe(4);
  }
});

it('prints the error that says most, in one line, without a stack', () => {
  const cause = new HoldfastError('HOLDFAST_NO_PRIMARY', 'nobody answers');
  const wrapped = Object.assign(new Error('Database is not open', { cause }), {
    code: 'LEVEL_DATABASE_NOT_OPEN',
  });
  expect(rootOf(wrapped)).toBe(cause);
  expect(describeError(cause)).toBe('HOLDFAST_NO_PRIMARY: nobody answers');
  expect(describeError(new Error('boom'))).toBe('FAILED: boom');
});

it('hints in one line, with the name under which the program was called', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    expect(hintFor(new HoldfastError(code, 'x'), 'holdfast') ?? 'none').not.toMatch(/\n|undefined/);
  }
  expect(hintFor(new HoldfastError('HOLDFAST_NO_PRIMARY', 'x'), 'npx holdfast')).toContain(
    'npx holdfast status',
  );
  const conflict = new HoldfastError('HOLDFAST_CONFLICT', 'x', { detail: 7 });
  expect(hintFor(conflict, 'holdfast')).toContain('revision 7');
});
