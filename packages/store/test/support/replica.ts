import {
  type DatabaseUid,
  type DueKey,
  type Entry,
  type EntryRequest,
  type LogIndex,
  lastRevisionOf,
  type Mutation,
  mutationsOf,
  type NodeId,
  type Position,
  REVISION_GAP,
  type ResultRun,
  type Revision,
  type SessionId,
  type SessionRecord,
  type StoredRecord,
  type StoreState,
  type Term,
  type TermStart,
} from '@holdfast/types';
import type { ApplyBatch } from '../../src/system-index.ts';

const DATABASE = 'd'.repeat(32) as DatabaseUid;

/** What a script says of one entry: keys and values are short texts, an absent value deletes. */
export type PlannedEntry =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open' }
  | { readonly kind: 'close'; readonly session: number }
  | {
      readonly kind: 'write';
      readonly session: number;
      readonly writes: readonly (readonly PlannedMutation[])[];
    }
  /** Whatever is due by then. */
  | { readonly kind: 'expire' };

export interface PlannedMutation {
  readonly key: string;
  readonly value?: string;
  /** Log time from the entry on. */
  readonly ttl?: number;
}

/** Turns a plan into a log, with the indexes, terms and revisions a primary would give. */
export function logOf(plan: readonly PlannedEntry[]): Entry[] {
  const log: Entry[] = [];
  const sessions: SessionId[] = [];
  const sequences = new Map<SessionId, number>();
  /** Expiries as the primary knows them. */
  const model = new Replica();
  let term = 1;
  let revision = 0;
  for (const planned of [{ kind: 'opening' } as const, ...plan]) {
    const index = log.length + 1;
    if (planned.kind === 'opening' && index > 1) term += 1;
    const place = {
      database: DATABASE,
      index: index as LogIndex,
      term: term as Term,
      previousTerm: (log.at(-1)?.term ?? 0) as Term,
      logTime: index * 1.5,
    };
    const firstRevision = (revision + (planned.kind === 'opening' ? REVISION_GAP : 0) + 1) as Revision;
    const entry: Entry = { ...place, firstRevision, body: bodyOf(planned, firstRevision, place.logTime) };
    model.apply([entry]);
    revision = lastRevisionOf(entry);
    if (planned.kind === 'open') sessions.push(`${term}.${index}.0` as SessionId);
    log.push(entry);
  }
  return log;

  function bodyOf(planned: PlannedEntry, firstRevision: number, logTime: number): Entry['body'] {
    switch (planned.kind) {
      case 'opening':
        return { kind: 'opening', primary: 'n1' as NodeId };
      case 'open':
        return { kind: 'requests', requests: [{ kind: 'openSession' }] };
      case 'close': {
        const session = sessions[planned.session % sessions.length];
        if (session === undefined) return { kind: 'noop' };
        return { kind: 'requests', requests: [{ kind: 'closeSession', session, reason: 'closed' }] };
      }
      case 'write':
        return { kind: 'requests', requests: requestsOf(planned, firstRevision, logTime) };
      case 'expire': {
        const due = model.due(logTime);
        return due.length === 0
          ? { kind: 'noop' }
          : { kind: 'requests', requests: [{ kind: 'expire', due }] };
      }
    }
  }

  function requestsOf(
    planned: Extract<PlannedEntry, { kind: 'write' }>,
    firstRevision: number,
    logTime: number,
  ): EntryRequest[] {
    const session = sessions[planned.session % sessions.length] ?? ('1.0.0' as SessionId);
    let revision = firstRevision - 1;
    return planned.writes.map((write) => {
      const sequence = (sequences.get(session) ?? 0) + 1;
      sequences.set(session, sequence);
      revision += write.length;
      const mutations = write.map(({ key, value, ttl }): Mutation => {
        if (value === undefined) return { kind: 'del', key: Buffer.from(key) };
        const put = { kind: 'put', key: Buffer.from(key), value: Buffer.from(value) } as const;
        if (ttl === undefined) return put;
        const formerExpiry = model.records.get(key)?.expiresAt;
        const expiresAt = Math.ceil(logTime) + ttl;
        if (formerExpiry === undefined || formerExpiry === expiresAt) return { ...put, expiresAt };
        return { ...put, expiresAt, formerExpiry };
      });
      const floor = Math.max(0, sequence - 3);
      const result = { kind: 'written' as const, revision: revision as Revision };
      return { kind: 'write', session, sequence, floor, ack: 'local', mutations, result };
    });
  }
}

/**
 * The state machine in its plainest form: a map, and sessions as the core keeps them. It makes the batches
 * that a core would hand to its store, and says what the store must hold after them.
 */
export class Replica {
  readonly records: Map<string, StoredRecord> = new Map();
  /** The index of expiries: by `placeText`. */
  readonly places: Map<string, { readonly key: Uint8Array; readonly expiresAt: number }> = new Map();
  readonly sessions: Map<SessionId, SessionRecord> = new Map();
  readonly history: Map<Term, TermStart> = new Map();
  applied: Position = { index: 0 as LogIndex, term: 0 as Term };
  revision: Revision = 0 as Revision;
  logTime = 0;

  /** What a core begins with: the sessions and history found in a store, which may be ahead of its checkpoint. */
  static recovered(state: StoreState): Replica {
    const replica = new Replica();
    for (const session of state.sessions) replica.sessions.set(session.id, session);
    for (const start of state.history) replica.history.set(start.term, start);
    return replica;
  }

  static after(log: readonly Entry[]): Replica {
    const replica = new Replica();
    if (log.length > 0) replica.apply(log);
    return replica;
  }

  apply(entries: readonly Entry[]): ApplyBatch {
    const touched = new Set<SessionId>();
    const closed = new Set<SessionId>();
    const history: TermStart[] = [];
    for (const entry of entries) {
      if (entry.body.kind === 'opening') {
        const start = { term: entry.term, firstIndex: entry.index, firstRevision: entry.firstRevision };
        this.history.set(entry.term, start);
        history.push(start);
      }
      this.#applyRequests(entry, touched, closed);
      this.revision = lastRevisionOf(entry);
      this.logTime = entry.logTime;
    }
    const { index, term } = entries.at(-1)!;
    this.applied = { index, term };
    return {
      kind: 'apply',
      entries,
      sessions: [...touched].map((id) => this.sessions.get(id)).filter((record) => record !== undefined),
      closedSessions: [...closed].filter((id) => !this.sessions.has(id)),
      history,
      applied: this.applied,
      revision: this.revision,
      logTime: this.logTime,
    };
  }

  sorted(): { key: string; record: StoredRecord }[] {
    return [...this.records]
      .map(([key, record]) => ({ key, record }))
      .sort((left, right) => Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)));
  }

  /** Places whose time has come, and what becomes of their keys. */
  due(logTime: number): DueKey[] {
    return [...this.places.values()]
      .filter(({ expiresAt }) => expiresAt <= logTime)
      .map(({ key, expiresAt }) => ({
        key,
        expiresAt,
        isDeleted: this.records.get(Buffer.from(key).toString())?.expiresAt === expiresAt,
      }));
  }

  #applyRequests(entry: Entry, touched: Set<SessionId>, closed: Set<SessionId>): void {
    if (entry.body.kind !== 'requests') return;
    let revision = entry.firstRevision;
    for (const [ordinal, request] of entry.body.requests.entries()) {
      if (request.kind === 'closeSession') {
        this.sessions.delete(request.session);
        closed.add(request.session);
        continue;
      }
      if (request.kind === 'expire') {
        for (const mutation of mutationsOf(request)) {
          this.#change(mutation, revision);
          revision = (revision + 1) as Revision;
        }
        for (const place of request.due) this.places.delete(placeText(place));
        continue;
      }
      const id =
        request.kind === 'write' ? request.session : (`${entry.term}.${entry.index}.${ordinal}` as SessionId);
      this.sessions.set(id, this.#used(id, entry, request));
      touched.add(id);
      if (request.kind === 'openSession') continue;
      for (const mutation of request.mutations) {
        this.#change(mutation, revision);
        revision = (revision + 1) as Revision;
      }
    }
  }

  #change(mutation: Mutation, revision: Revision): void {
    const { key } = mutation;
    if (mutation.kind === 'del') {
      this.records.delete(Buffer.from(key).toString());
      return;
    }
    const { value, expiresAt, formerExpiry } = mutation;
    if (formerExpiry !== undefined) this.places.delete(placeText({ key, expiresAt: formerExpiry }));
    const record = expiresAt === undefined ? { value, revision } : { value, revision, expiresAt };
    this.records.set(Buffer.from(key).toString(), record);
    if (expiresAt !== undefined) this.places.set(placeText({ key, expiresAt }), { key, expiresAt });
  }

  #used(id: SessionId, entry: Entry, request: EntryRequest): SessionRecord {
    const before = this.sessions.get(id) ?? { id, floor: 0, usedAt: 0, runs: [] };
    const usedAt = Math.max(before.usedAt, entry.logTime);
    if (request.kind !== 'write') return { ...before, usedAt };
    const floor = Math.max(before.floor, request.floor);
    const { sequence, result } = request;
    const run: ResultRun = { kind: 'single', sequence, result, index: entry.index, term: entry.term };
    const runs = [...before.runs.filter((other) => other.sequence !== sequence), run]
      .filter((other) => other.sequence > floor)
      .sort((left, right) => left.sequence - right.sequence);
    return { id, floor, usedAt, runs };
  }
}

/** Sorts as the store does. */
export function placeText({
  key,
  expiresAt,
}: {
  readonly key: Uint8Array;
  readonly expiresAt: number;
}): string {
  return `${String(expiresAt).padStart(16, '0')}/${Buffer.from(key).toString('hex')}`;
}
