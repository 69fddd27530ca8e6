import type { Ack } from '@holdfast/types';
import { expect, test } from 'vitest';
import { checkAcknowledgedWrites, type ListedMutation } from '../../src/oracles/acknowledged-writes.ts';
import type { BookedWrite, WriteOutcome } from '../../src/workload/call-book.ts';
import { logOf, type PlannedChange } from './support.ts';

const log = logOf(
  [['a', '1']],
  [['a', undefined]],
  [
    ['p', '3'],
    ['q', '3'],
  ],
);
const acknowledged = (ack: Ack, revision?: number): WriteOutcome => ({ kind: 'acknowledged', ack, revision });
const write = (changes: readonly PlannedChange[], outcome: WriteOutcome): BookedWrite => ({
  client: 'c1',
  changes: changes.map(([key, value]) => ({ key, value })),
  outcome,
});
const listed = (key: string, value: string, revision: number): ListedMutation => ({
  entry: 'd.9.9',
  key,
  value,
  revision,
});
const check = (write: BookedWrite, lost: readonly ListedMutation[] = []): unknown =>
  checkAcknowledgedWrites([write], log, lost);

test('what is there, and what is listed of what may be lost, is as it should be', () => {
  check(write([['a', '1']], acknowledged('quorum', 10)));
  check(write([['a', '1']], acknowledged('all')));
  check(write([['a', undefined]], acknowledged('quorum', 20)));
  check(
    write(
      [
        ['p', '3'],
        ['q', '3'],
      ],
      acknowledged('quorum', 31),
    ),
  );
  check(write([['b', '1']], acknowledged('local', 99)), [listed('b', '1', 99)]);
  check(write([['b', '1']], { kind: 'refused' }), [listed('b', '1', 7)]);
  // An earlier attempt was lost, and the one that was answered was not.
  check(write([['a', '1']], acknowledged('quorum', 10)), [listed('a', '1', 7)]);
  expect(check(write([['b', '1']], { kind: 'unknown' }))).toMatchObject({ unknown: 1, unknownApplied: 0 });
});

test.each<[string, BookedWrite, readonly ListedMutation[], string]>([
  ['a lost write', write([['b', '1']], acknowledged('quorum', 15)), [], 'it is lost'],
  ['a lost delete', write([['b', undefined]], acknowledged('all', 15)), [], 'it is lost'],
  [
    'a quorum write that is listed',
    write([['b', '1']], acknowledged('quorum', 15)),
    [listed('b', '1', 15)],
    'it is lost',
  ],
  [
    'a local write that is nowhere',
    write([['b', '1']], acknowledged('local', 15)),
    [],
    'neither there nor listed as diverged',
  ],
  [
    'a local write that is in both',
    write([['a', '1']], acknowledged('local', 10)),
    [listed('a', '1', 10)],
    'it is in the log, and listed as diverged',
  ],
  ['another place than was told', write([['a', '1']], acknowledged('local', 11)), [], 'at revision 10'],
  ['an applied write that was refused', write([['a', '1']], { kind: 'notApplied' }), [], 'it is in the log'],
  [
    'an applied write whose condition failed',
    write([['a', '1']], { kind: 'refused' }),
    [],
    'it is in the log',
  ],
  [
    'a logged write that was refused',
    write([['b', '1']], { kind: 'notApplied' }),
    [listed('b', '1', 15)],
    'it was logged',
  ],
  [
    'half a write',
    write(
      [
        ['p', '3'],
        ['r', '3'],
      ],
      { kind: 'unknown' },
    ),
    [],
    'a part of it was applied',
  ],
])('%s is caught', (_, violation, lost, message) => {
  expect(() => check(violation, lost)).toThrow(message);
});
