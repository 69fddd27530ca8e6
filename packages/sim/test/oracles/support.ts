import type { Effect } from '@holdfast/core';
import type { Entry, EntryRequest, LogIndex, Mutation, Revision, SessionId, Term } from '@holdfast/types';
import { WinningLog } from '../../src/oracles/winning-log.ts';

export type PlannedChange = readonly [key: string, value: string | undefined];

/** One entry with one write of these changes. */
export function entryOf(plan: {
  readonly index: number;
  readonly term?: number;
  readonly previousTerm?: number;
  readonly revision: number;
  readonly call?: string;
  readonly changes: readonly PlannedChange[];
}): Entry {
  const { index, term = 1, previousTerm = index === 1 ? 0 : 1, revision, call, changes } = plan;
  const [session = '1.1.0', sequence = String(index)] = call?.split('/') ?? [];
  const mutations = changes.map(([key, value]): Mutation => {
    const bytes = Buffer.from(key);
    return value === undefined
      ? { kind: 'del', key: bytes }
      : { kind: 'put', key: bytes, value: Buffer.from(value) };
  });
  const request: EntryRequest = {
    kind: 'write',
    session: session as SessionId,
    sequence: Number(sequence),
    floor: 0,
    ack: 'quorum',
    mutations,
    result: { kind: 'written', revision: (revision + changes.length - 1) as Revision },
  };
  return {
    database: 'd'.repeat(32) as Entry['database'],
    index: index as LogIndex,
    term: term as Term,
    previousTerm: previousTerm as Term,
    logTime: index,
    firstRevision: revision as Revision,
    body: { kind: 'requests', requests: [request] },
  };
}

/** A log of one write an entry; the revision of an entry's first change is ten times its index. */
export function logOf(...writes: readonly (readonly PlannedChange[])[]): WinningLog {
  return new WinningLog(
    writes.map((changes, place) => entryOf({ index: place + 1, revision: 10 * (place + 1), changes })),
  );
}

export function applyOf(...entries: readonly Entry[]): Effect {
  const last = entries.at(-1)!;
  return {
    kind: 'apply',
    entries,
    sessions: [],
    closedSessions: [],
    history: [],
    applied: { index: last.index, term: last.term },
    revision: last.firstRevision,
    logTime: last.logTime,
  };
}
