import type { EntryRequest, SessionId, SessionRecord, WriteResult } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resultIn, runLength } from '../../../src/state/sessions/result-runs.ts';
import { SessionTable, sessionIdOf } from '../../../src/state/sessions/session-table.ts';
import { entry, index, revision, term, write, written } from '../../support/entries.ts';
import { check } from '../../support/property.ts';

const S = '1.1.0' as SessionId;
const LIMITS = { sessionWindow: 4096 };
const requests = (at: number, list: EntryRequest[], inTerm = 1) =>
  entry({ index: at, term: inTerm, logTime: at * 10, body: { kind: 'requests', requests: list } });
const opening = requests(1, [{ kind: 'openSession' }]);

function open(): SessionTable {
  const table = new SessionTable([], LIMITS);
  table.apply([opening]);
  return table;
}

describe('session table', () => {
  test('a session is named after the place of the request that opened it', () => {
    const table = new SessionTable([], LIMITS);
    const at = requests(7, [{ kind: 'openSession' }, { kind: 'openSession' }], 3);
    expect(table.apply([at]).touched.map((record) => record.id)).toEqual(['3.7.0', '3.7.1']);
    expect(sessionIdOf(at, 1)).toBe('3.7.1');
    expect(table.size).toBe(2);
    expect(table.idleSince('3.7.1' as SessionId)).toBe(70);
  });

  test('tells new from done from closed from unknown', () => {
    const table = open();
    const conflict: WriteResult = { kind: 'conflict', condition: 0, revision: revision(3) };
    table.apply([requests(5, [write(S, { sequence: 2, floor: 1, result: conflict })])]);
    expect(table.find(S, 1)).toEqual({ kind: 'closed' });
    expect(table.find(S, 2)).toEqual({ kind: 'done', result: conflict, index: 5, term: 1 });
    expect(table.find(S, 3)).toEqual({ kind: 'fresh' });
    expect(table.find('9.9.9' as SessionId, 1)).toEqual({ kind: 'unknownSession' });
  });

  test('consecutive plain results of one entry are one run, whatever their constant step', () => {
    const table = open();
    const list = [10, 12, 14, 16].map((at, place) => write(S, { sequence: place + 1, result: written(at) }));
    const [record] = table.apply([requests(4, list)]).touched;
    expect(record?.runs).toEqual([
      { kind: 'plain', sequence: 1, count: 4, revision: 10, step: 2, index: 4, term: 1 },
    ]);
    expect(table.find(S, 3)).toMatchObject({ kind: 'done', result: written(14) });
  });

  test('results of two entries are two runs', () => {
    const table = open();
    table.apply([requests(4, [write(S, { sequence: 1, result: written(10) })])]);
    const changes = table.apply([requests(5, [write(S, { sequence: 2, result: written(11) })])]);
    expect(changes.touched[0]?.runs).toHaveLength(2);
    expect(table.find(S, 2)).toMatchObject({ index: 5 });
  });

  test('the floor cuts a run and never falls', () => {
    const table = open();
    const list = [10, 11, 12, 13].map((at, place) => write(S, { sequence: place + 1, result: written(at) }));
    table.apply([requests(4, list)]);
    const late = write(S, { sequence: 5, floor: 1, result: written(15) });
    table.apply([requests(5, [write(S, { sequence: 6, floor: 2, result: written(14) }), late])]);
    expect(table.floor(S)).toBe(2);
    expect(table.find(S, 2)).toEqual({ kind: 'closed' });
    expect(table.find(S, 3)).toMatchObject({ result: written(12), index: 4 });
    expect(table.find(S, 5)).toMatchObject({ result: written(15), index: 5 });
  });

  test('a record handed out stays as it is', () => {
    const table = open();
    const [first] = table.apply([requests(4, [write(S, { sequence: 1, result: written(10) })])]).touched;
    const copy = structuredClone(first);
    table.apply([requests(5, [write(S, { sequence: 2, floor: 1, result: written(11) })])]);
    expect(first).toEqual(copy);
  });

  test('a closed session is gone, and what the log still holds for it is ignored', () => {
    const table = open();
    const close: EntryRequest = { kind: 'closeSession', session: S, reason: 'expired' };
    const late = write(S, { sequence: 2, result: written(9) });
    const changes = table.apply([requests(6, [write(S, { sequence: 1, result: written(8) }), close, late])]);
    expect(changes).toEqual({ touched: [], closed: [S] });
    expect(table.has(S)).toBe(false);
    expect(() => table.idleSince(S)).toThrow('not known');
    expect(table.apply([requests(7, [close])])).toEqual({ touched: [], closed: [] });
  });

  test('a replay takes nothing back on its way', () => {
    const table = open();
    const first = requests(4, [write(S, { sequence: 3, floor: 1, result: written(10) })]);
    table.apply([first, requests(5, [write(S, { sequence: 4, floor: 1, result: written(11) })])]);
    const known = [...table.sessions()];
    table.apply([opening]);
    expect([...table.sessions()]).toEqual(known);
    table.apply([first]);
    expect([...table.sessions()]).toEqual(known);
  });

  test('the window counts from the higher of both floors', () => {
    const table = new SessionTable([{ id: S, floor: 10, usedAt: 0, runs: [] }], { sessionWindow: 5 });
    expect(table.inWindow(S, 15, 3)).toBe(true);
    expect(table.inWindow(S, 16, 3)).toBe(false);
    expect(table.inWindow(S, 16, 11)).toBe(true);
  });
});

interface Draw {
  readonly session: number;
  readonly sequence: number;
  readonly floor: number;
  readonly kind: 'written' | 'counter' | 'conflict' | 'open' | 'close';
  readonly mutations: number;
}

/** Entries that a primary could log: floors below sequences, mostly in order, with repeats among them. */
const log = fc
  .array(
    fc.array(
      fc.record<Draw>({
        session: fc.nat(2),
        sequence: fc.integer({ min: 0, max: 6 }),
        floor: fc.nat(8),
        kind: fc.constantFrom(
          'written',
          'written',
          'written',
          'written',
          'counter',
          'conflict',
          'open',
          'close',
        ),
        mutations: fc.nat(2),
      }),
      { maxLength: 12 },
    ),
    { maxLength: 8 },
  )
  .map((batches) => {
    let next = 1;
    const newest = new Map<number, number>();
    const sessions: SessionId[] = [S];
    return batches.map((draws, place) => {
      const at = place + 2;
      const list = draws.map((draw, ordinal): EntryRequest => {
        const session = sessions[draw.session % sessions.length]!;
        if (draw.kind === 'open') {
          sessions.push(sessionIdOf({ term: term(1), index: index(at) }, ordinal));
          return { kind: 'openSession' };
        }
        if (draw.kind === 'close') return { kind: 'closeSession', session, reason: 'closed' };
        const before = newest.get(draw.session) ?? 0;
        const sequence = Math.max(1, draw.sequence < 5 ? before + 1 : before + 3 - draw.sequence);
        newest.set(draw.session, Math.max(before, sequence));
        const floor = Math.max(0, sequence - 1 - draw.floor);
        const mutations = draw.kind === 'conflict' ? 0 : draw.kind === 'counter' ? 1 : draw.mutations;
        next += mutations;
        const result: WriteResult =
          draw.kind === 'written'
            ? written(next - 1)
            : draw.kind === 'counter'
              ? { kind: 'counter', value: sequence, revision: revision(next - 1) }
              : { kind: 'conflict', condition: 0, revision: revision(next) };
        return write(session, { sequence, floor, result, mutations });
      });
      return requests(at, list);
    });
  });

type Entries = Parameters<SessionTable['apply']>[0];

/** Every result of every session, one by one: the rule without the runs. */
function naive(entries: Entries) {
  const sessions = new Map<
    SessionId,
    { floor: number; usedAt: number; done: Map<number, [WriteResult, number]> }
  >();
  for (const one of entries) {
    if (one.body.kind !== 'requests') continue;
    for (const [ordinal, request] of one.body.requests.entries()) {
      if (request.kind === 'openSession') {
        sessions.set(sessionIdOf(one, ordinal), { floor: 0, usedAt: one.logTime, done: new Map() });
      } else if (request.kind === 'closeSession') {
        sessions.delete(request.session);
      } else if (request.kind === 'write') {
        const session = sessions.get(request.session);
        if (session === undefined) continue;
        session.usedAt = one.logTime;
        session.floor = Math.max(session.floor, request.floor);
        for (const sequence of session.done.keys())
          if (sequence <= session.floor) session.done.delete(sequence);
        if (request.sequence > session.floor && !session.done.has(request.sequence)) {
          session.done.set(request.sequence, [request.result, one.index]);
        }
      }
    }
  }
  return sessions;
}

function expectSame(table: SessionTable, model: ReturnType<typeof naive>): void {
  expect([...table.sessions()].map((record) => record.id).sort()).toEqual([...model.keys()].sort());
  for (const [id, session] of model) {
    expect(table.floor(id)).toBe(session.floor);
    expect(table.idleSince(id)).toBe(session.usedAt);
    for (let sequence = 1; sequence <= 110; sequence++) {
      const done = session.done.get(sequence);
      const expected =
        sequence <= session.floor
          ? { kind: 'closed' }
          : done === undefined
            ? { kind: 'fresh' }
            : { kind: 'done', result: done[0], index: done[1], term: 1 };
      expect(table.find(id, sequence)).toEqual(expected);
    }
  }
}

/** By sequence, above the floor, none twice. */
function expectWellFormed(records: Iterable<SessionRecord>): void {
  for (const record of records) {
    let end = record.floor;
    for (const run of record.runs) {
      expect(run.sequence).toBeGreaterThan(end);
      expect(runLength(run)).toBeGreaterThan(0);
      end = run.sequence + runLength(run) - 1;
      expect(resultIn(run, end)).toBeDefined();
    }
  }
}

describe('against a map of every result', () => {
  const batchSizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1 });

  test('agrees, however the entries are batched, and hands out what it holds', () => {
    check(
      fc.property(log, batchSizes, (entries, sizes) => {
        const table = open();
        const stored = new Map<SessionId, SessionRecord>([...table.sessions()].map((one) => [one.id, one]));
        const handedOut: [SessionRecord, SessionRecord][] = [];
        for (let from = 0, turn = 0; from < entries.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          const changes = table.apply(entries.slice(from, from + size));
          from += size;
          for (const record of changes.touched) {
            stored.set(record.id, record);
            handedOut.push([record, structuredClone(record)]);
          }
          for (const id of changes.closed) {
            expect(stored.delete(id) || !changes.touched.some((record) => record.id === id)).toBe(true);
          }
          expectWellFormed(table.sessions());
          expectSame(table, naive([opening, ...entries.slice(0, from)]));
        }
        for (const [record, copy] of handedOut) expect(record).toEqual(copy);
        expectSame(new SessionTable([...stored.values()], LIMITS), naive([opening, ...entries]));
      }),
      150,
    );
  });

  test('a replay over newer records changes nothing', () => {
    check(
      fc.property(log, fc.nat(8), (entries, from) => {
        const all = [opening, ...entries];
        const table = open();
        table.apply(entries);
        const replayed = new SessionTable([...table.sessions()], LIMITS);
        replayed.apply(all.slice(Math.min(from, all.length)));
        expect([...replayed.sessions()].sort(byId)).toEqual([...table.sessions()].sort(byId));
      }),
      300,
    );
  });

  test('a store that lost an earlier batch and kept a later one is made whole by the replay', () => {
    check(
      fc.property(log, fc.nat(8), fc.nat(8), (entries, checkpoint, lostAt) => {
        const all = [opening, ...entries];
        const table = new SessionTable([], LIMITS);
        const store = new Map<SessionId, SessionRecord>();
        for (const [place, one] of all.entries()) {
          const changes = table.apply([one]);
          if (place === Math.max(checkpoint, lostAt)) continue;
          for (const record of changes.touched) store.set(record.id, record);
          for (const id of changes.closed) store.delete(id);
        }
        const replayed = new SessionTable([...store.values()], LIMITS);
        const changes = replayed.apply(all.slice(checkpoint));
        for (const record of changes.touched) store.set(record.id, record);
        for (const id of changes.closed) store.delete(id);
        expectSame(replayed, naive(all));
        expectSame(new SessionTable([...store.values()], LIMITS), naive(all));
      }),
      300,
    );
  });
});

function byId(a: SessionRecord, b: SessionRecord): number {
  return a.id < b.id ? -1 : 1;
}
