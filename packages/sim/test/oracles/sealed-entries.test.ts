import type { Effect, Input } from '@holdfast/core';
import {
  type Entry,
  type EntryBody,
  type EntryRequest,
  type LogIndex,
  nodeId,
  REVISION_GAP,
  type Revision,
  type SessionId,
  type Term,
  type WriteResult,
} from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { SealedEntries, type SealingCore } from '../../src/oracles/sealed-entries.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const SESSION = '1.2.0' as SessionId;
const OPENED = REVISION_GAP + 1;
let oracle: SealedEntries;

const primary = (term = 1): SealingCore => ({
  office: {},
  context: { term: term as Term, log: { last: { index: 1 as LogIndex, term: term as Term } } },
});

function entry(index: number, firstRevision: number, body: EntryBody, term = 1, previousTerm = 1): Entry {
  return {
    database: 'd'.repeat(32) as Entry['database'],
    index: index as LogIndex,
    term: term as Term,
    previousTerm: (index === 1 ? 0 : previousTerm) as Term,
    logTime: index,
    firstRevision: firstRevision as Revision,
    body,
  };
}

function write(
  sequence: number,
  result: WriteResult,
  change?: readonly [key: string, value: string],
): EntryRequest {
  const mutations =
    change === undefined
      ? []
      : [{ kind: 'put' as const, key: Buffer.from(change[0]), value: Buffer.from(change[1]) }];
  return { kind: 'write', session: SESSION, sequence, floor: 0, ack: 'quorum', mutations, result };
}

const written = (revision: number): WriteResult => ({ kind: 'written', revision: revision as Revision });
const conflict: WriteResult = { kind: 'conflict', condition: 0, revision: OPENED as Revision };

function seals(sealed: Entry, core: SealingCore = primary()): void {
  const effect = {
    kind: 'persist',
    order: { record: { kind: 'entries', entries: [sealed] } },
  } as unknown as Effect;
  oracle.onStep(n1, { kind: 'tick' }, [effect], core);
}

function sealsWrite(index: number, revision: number, ...requests: EntryRequest[]): void {
  seals(entry(index, revision, { kind: 'requests', requests }));
}

function asks(sequence: number, conditions: readonly object[], by?: number): void {
  const operations = by === undefined ? [] : [{ kind: 'increment', key: Buffer.from('c'), by }];
  const input = {
    kind: 'propose',
    session: SESSION,
    requests: [{ sequence, conditions, operations }],
  } as unknown as Input;
  oracle.onStep(n1, input, [], primary());
}

function asksToClear(sequence: number, clear: object): void {
  const requests = [{ sequence, conditions: [], operations: [], clear }];
  oracle.onStep(n1, { kind: 'propose', session: SESSION, requests } as unknown as Input, [], primary());
}

function clear(sequence: number, keys: readonly string[], behind?: string): EntryRequest {
  const counted = { kind: 'cleared', deleted: keys.length, revision: OPENED as Revision } as const;
  return {
    kind: 'write',
    session: SESSION,
    sequence,
    floor: 0,
    ack: 'quorum',
    mutations: keys.map((key) => ({ kind: 'del', key: Buffer.from(key) })),
    result: behind === undefined ? counted : { ...counted, behind: Buffer.from(behind) },
  };
}

const absent = (key: string): object => ({ kind: 'absent', key: Buffer.from(key) });

beforeEach(() => {
  oracle = new SealedEntries();
  seals(entry(1, OPENED, { kind: 'opening', primary: n1.node }));
  sealsWrite(2, OPENED + 1, { kind: 'openSession' });
});

test('calls are logged once each, as their conditions say', () => {
  asks(1, [absent('k')]);
  asks(2, [absent('k')]);
  asks(3, [], 5);
  asks(4, [], 2);
  const counter = (value: number, revision: number): WriteResult => ({
    kind: 'counter',
    value,
    revision: revision as Revision,
  });
  sealsWrite(
    3,
    OPENED + 1,
    write(1, written(OPENED + 1), ['k', 'v']),
    write(2, conflict),
    write(3, counter(5, OPENED + 2), ['c', '5']),
  );
  sealsWrite(4, OPENED + 3, write(4, counter(7, OPENED + 3), ['c', '7']));
});

test('a call that is in the log already is caught, also by the next primary', () => {
  sealsWrite(3, OPENED + 1, write(1, written(OPENED + 1), ['k', 'v']));
  expect(() => sealsWrite(4, OPENED + 2, write(1, written(OPENED + 2), ['k', 'v']))).toThrow(
    'n1 seals 4@1 with call 1.2.0/1, which is in its log already',
  );
  const opening = entry(4, OPENED + 2 + REVISION_GAP, { kind: 'opening', primary: n1.node }, 2);
  seals(opening, primary(2));
  const again = { kind: 'requests', requests: [write(1, written(1), ['k', 'v'])] } as const;
  expect(() => seals(entry(5, opening.firstRevision + 1, again, 2, 2), primary(2))).toThrow(
    'which is in its log already',
  );
});

test('a session that is not open is caught', () => {
  sealsWrite(3, OPENED + 1, { kind: 'closeSession', session: SESSION, reason: 'expired' });
  expect(() => sealsWrite(4, OPENED + 1, write(1, written(OPENED + 1), ['k', 'v']))).toThrow(
    'whose session is not open in its log',
  );
});

test('a condition that is not held against what was logged before is caught', () => {
  sealsWrite(3, OPENED + 1, write(1, written(OPENED + 1), ['k', 'v']));
  asks(2, [absent('k')]);
  expect(() => sealsWrite(4, OPENED + 2, write(2, written(OPENED + 2), ['k', 'w']))).toThrow(
    'is taken, and a condition fails',
  );
  asks(3, [absent('other')]);
  expect(() => sealsWrite(5, OPENED + 3, write(3, conflict))).toThrow('is refused, and its conditions hold');
});

test('a counter that goes wrong is caught', () => {
  asks(1, [], 5);
  const result: WriteResult = { kind: 'counter', value: 6, revision: (OPENED + 1) as Revision };
  expect(() => sealsWrite(3, OPENED + 1, write(1, result, ['c', '6']))).toThrow(
    'makes a counter 6; 5 was due',
  );
});

test('a clear deletes what is there, is old enough, and was looked at', () => {
  const puts = ['a', 'b', 'c', 'd'].map((key, place) =>
    write(place + 1, written(OPENED + 1 + place), [key, 'v']),
  );
  sealsWrite(3, OPENED + 1, ...puts);
  const range = { gte: Buffer.from('a'), lt: Buffer.from('d'), reverse: false };
  asksToClear(5, { ...range, limit: -1, upTo: OPENED + 2 });
  sealsWrite(4, OPENED + 5, clear(5, ['a'], 'a'));
  asksToClear(6, { ...range, limit: 1, upTo: OPENED + 2, reverse: true });
  sealsWrite(5, OPENED + 6, clear(6, ['b']));
  asksToClear(7, { ...range, limit: -1, upTo: OPENED + 4 });
  for (const [keys, behind, problem] of [
    [[], undefined, 'deletes nothing, and c was due'],
    [['c', 'd'], undefined, 'deletes c d, and c was due'],
    [['c'], 'b', 'deletes c, and  was due'],
  ] as const)
    expect(() => sealsWrite(6, OPENED + 7, clear(7, keys, behind))).toThrow(problem);
});

test('an opening entry without a gap is caught', () => {
  const opening = entry(3, OPENED + 1, { kind: 'opening', primary: n1.node }, 2);
  expect(() => seals(opening, primary(2))).toThrow(
    `n1 seals 3@2 at revision ${OPENED + 1}, too close to ${OPENED}`,
  );
});

test('what a standby logs is not held to it', () => {
  seals(entry(3, 1, { kind: 'opening', primary: n1.node }, 2), { ...primary(2), office: undefined });
});
