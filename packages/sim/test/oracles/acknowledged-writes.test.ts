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
const listed = (
  key: string,
  value: string | undefined,
  revision: number,
  { entry = 'd.9.9', call = '9.9.0/9' } = {},
): ListedMutation => ({
  entry,
  call,
  key,
  value,
  revision,
});
const pair: readonly PlannedChange[] = [
  ['v', '7'],
  ['w', '7'],
];
const plainDelete = (ack: Ack): BookedWrite => write([['a', undefined]], acknowledged(ack));
const toldDelete = write([['a', undefined]], acknowledged('quorum', 20));
const lostDelete = listed('a', undefined, 98);
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
  check(write(pair, acknowledged('local', 99)), [listed('v', '7', 98), listed('w', '7', 99)]);
  check(write(pair, acknowledged('local')), [listed('v', '7', 98), listed('w', '7', 99)]);
  expect(check(write([['b', '1']], { kind: 'unknown' }))).toMatchObject({ unknown: 1, unknownApplied: 0 });
});

test('as many deletes as were acknowledged without a revision are there, or listed', () => {
  checkAcknowledgedWrites([plainDelete('quorum')], log, []);
  checkAcknowledgedWrites([plainDelete('local')], log, []);
  checkAcknowledgedWrites([plainDelete('quorum'), plainDelete('local')], log, [lostDelete]);
  checkAcknowledgedWrites([toldDelete, plainDelete('local')], log, [lostDelete]);
});

test.each<[string, readonly BookedWrite[], readonly ListedMutation[], string]>([
  ['a delete', [plainDelete('quorum'), plainDelete('all')], [lostDelete], '2 times, and 1 are in the log'],
  [
    'a local delete',
    [plainDelete('quorum'), plainDelete('local')],
    [],
    '2 times, and 1 are in the log or listed',
  ],
  [
    'what another was told',
    [toldDelete, plainDelete('local')],
    [],
    '1 times, and 0 are in the log or listed',
  ],
  [
    'an attempt of a delete that won',
    [plainDelete('local'), plainDelete('local')],
    [listed('a', undefined, 98, { call: '1.1.0/2' })],
    '2 times, and 1 are in the log or listed',
  ],
  [
    'an attempt of what another was told',
    [toldDelete, plainDelete('local')],
    [listed('a', undefined, 98, { call: '1.1.0/2' })],
    '1 times, and 0 are in the log or listed',
  ],
  ['a put', [plainDelete('local'), plainDelete('local')], [listed('a', '5', 98)], '2 times, and 1 are'],
])('%s does not stand in for a delete that is lost', (_, writes, lost, message) => {
  expect(() => checkAcknowledgedWrites(writes, log, lost)).toThrow(message);
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
  [
    'a write that is listed in part',
    write(pair, acknowledged('local', 99)),
    [listed('w', '7', 99)],
    'a part of it is listed',
  ],
  [
    'one without a revision',
    write(pair, acknowledged('local')),
    [listed('v', '7', 98)],
    'a part of it is listed',
  ],
  [
    'one whose attempts are listed in part each',
    write(pair, { kind: 'unknown' }),
    [listed('v', '7', 88, { entry: 'd.8.8' }), listed('w', '7', 99)],
    'a part of it is listed',
  ],
  [
    'deletes that are listed in part',
    write(
      [
        ['v', undefined],
        ['w', undefined],
      ],
      acknowledged('local', 99),
    ),
    [listed('w', undefined, 99)],
    'a part of it is listed',
  ],
  [
    'a write that is in the log, and an attempt of it listed in part',
    write(
      [
        ['p', '3'],
        ['q', '3'],
      ],
      acknowledged('local', 31),
    ),
    [listed('q', '3', 21)],
    'a part of it is listed',
  ],
])('%s is caught', (_, violation, lost, message) => {
  expect(() => check(violation, lost)).toThrow(message);
});
