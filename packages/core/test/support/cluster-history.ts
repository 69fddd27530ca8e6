import {
  assert,
  type Entry,
  type EntryRequest,
  type LogIndex,
  type Mutation,
  mutationsOf,
  type Position,
  type RangeClearing,
  type Revision,
  type SessionId,
  type StoredRecord,
  type WriteResult,
} from '@holdfast/types';
import type { ProposedWrite } from '../../src/api.ts';
import { evaluate } from '../../src/state/evaluator.ts';
import { sessionIdOf } from '../../src/state/sessions/session-table.ts';
import { ExpiryLaw } from './expiry-law.ts';
import { entryText } from './format.ts';
import { inRange } from './memory-store.ts';

type LoggedRequest = Extract<EntryRequest, { kind: 'write' }>;

/** A write in the log that won. */
export interface CommittedWrite {
  readonly position: Position;
  readonly result: WriteResult;
}

/** What the log that won comes to: the judge of every answer that was given on the way. */
export interface Outcome {
  readonly data: ReadonlyMap<string, StoredRecord>;
  /** By `session/sequence`. */
  readonly writes: ReadonlyMap<string, CommittedWrite>;
  /** Of each key, what it was from an index on, growing; 0: not there. */
  readonly versions: ReadonlyMap<string, readonly Version[]>;
  /** Keys that were deleted because their time had come. */
  readonly expired: number;
}

interface Version {
  readonly index: LogIndex;
  readonly revision: Revision;
}

/** All that any primary ever logged, and what became of it. */
export class ClusterHistory {
  /** What every revision names, in whatever log it was handed out, lost ones too (G13). */
  readonly #named = new Map<Revision, string>();
  readonly #places = new Map<Revision, Position>();
  readonly #values = new Map<Revision, string | undefined>();
  readonly #committed = new Map<LogIndex, Entry>();
  readonly #filed = new Map<string, Entry>();
  /** When each entry was made, in the time of the world. */
  readonly #madeAt = new Map<string, number>();

  /** A primary put it in its log, now. */
  logged(entry: Entry, now: number): void {
    this.#madeAt.set(nameOf(entry), now);
    if (entry.body.kind !== 'requests') return;
    let revision = entry.firstRevision;
    for (const [ordinal, request] of entry.body.requests.entries()) {
      const mutations = mutationsOf(request);
      for (let at = 0; at < mutations.length; at++) {
        const name = `${entry.index}@${entry.term}/${ordinal}/${at}`;
        const before = this.#named.get(revision);
        assert(before === undefined, `revision ${revision} names ${before} and ${name}`);
        this.#named.set(revision, name);
        const mutation = mutations[at]!;
        this.#places.set(revision, { index: entry.index, term: entry.term });
        this.#values.set(revision, mutation.kind === 'put' ? textOf(mutation.value) : undefined);
        revision = (revision + 1) as Revision;
      }
    }
  }

  /** State machine safety: an index is applied with one entry everywhere and for ever. */
  applied(who: string, entry: Entry): void {
    const before = this.#committed.get(entry.index);
    if (before !== undefined && before !== entry)
      assert(
        entryText(before) === entryText(entry),
        `${who} applies ${entryText(entry)}, elsewhere it is ${entryText(before)}`,
      );
    this.#committed.set(entry.index, before ?? entry);
    assert(!this.#filed.has(nameOf(entry)), `${nameOf(entry)} is filed as diverged and applied by ${who}`);
  }

  filed(who: string, entry: Entry): void {
    assert(!this.isCommitted(entry), `${who} files ${nameOf(entry)}, which is in the log that won`);
    this.#filed.set(nameOf(entry), entry);
  }

  isFiled(position: Position): boolean {
    return this.#filed.has(nameOf(position));
  }

  isCommitted(position: Position): boolean {
    return this.#committed.get(position.index)?.term === position.term;
  }

  /** Where a revision was handed out, if a mutation has it. */
  placeOf(revision: Revision): Position | undefined {
    return this.#places.get(revision);
  }

  /** What a put of that revision left; undefined for anything else. */
  valueOf(revision: Revision): string | undefined {
    return this.#values.get(revision);
  }

  /** Revisions above `from`, up to `to`, that name a mutation in some log. */
  revisionsBetween(from: Revision, to: Revision): Revision[] {
    return [...this.#named.keys()].filter((revision) => revision > from && revision <= to);
  }

  /**
   * Applies the log that won, entry by entry, the naive way. Each write must be there once (G5), in a session that
   * is open, above its floor, and must have come to what the state before it says (G8).
   */
  outcome(intents: ReadonlyMap<string, ProposedWrite>): Outcome {
    const data = new Map<string, StoredRecord>();
    const expiries = new ExpiryLaw((position) => this.#madeAt.get(nameOf(position))!);
    const writes = new Map<string, CommittedWrite>();
    const versions = new Map<string, Version[]>();
    const floors = new Map<SessionId, number>();
    let revision = 0 as Revision;
    for (let index = 1 as LogIndex; this.#committed.has(index); index = (index + 1) as LogIndex) {
      const entry = this.#committed.get(index)!;
      assert(entry.firstRevision > revision, `${nameOf(entry)} begins at revision ${entry.firstRevision}`);
      revision = (entry.firstRevision - 1) as Revision;
      if (entry.body.kind === 'opening') revision = entry.firstRevision;
      if (entry.body.kind !== 'requests') continue;
      for (const [ordinal, request] of entry.body.requests.entries()) {
        if (request.kind === 'openSession') floors.set(sessionIdOf(entry, ordinal), 0);
        else if (request.kind === 'closeSession') floors.delete(request.session);
        else if (request.kind === 'expire') {
          expiries.check(entry, request.due);
          for (const mutation of mutationsOf(request)) {
            revision = (revision + 1) as Revision;
            change(mutation, { entry, revision, data, versions, expiries });
          }
        } else
          revision = replay(request, { entry, revision, data, writes, versions, floors, intents, expiries });
      }
    }
    return { data, writes, versions, expired: expiries.count };
  }
}

function replay(
  request: LoggedRequest,
  at: {
    readonly entry: Entry;
    readonly revision: Revision;
    readonly data: Map<string, StoredRecord>;
    readonly writes: Map<string, CommittedWrite>;
    readonly versions: Map<string, Version[]>;
    readonly floors: Map<SessionId, number>;
    readonly intents: ReadonlyMap<string, ProposedWrite>;
    readonly expiries: ExpiryLaw;
  },
): Revision {
  const { entry, data, writes, floors } = at;
  const name = `${request.session}/${request.sequence}`;
  const where = `${name} in ${nameOf(entry)}`;
  const earlier = writes.get(name);
  assert(earlier === undefined, `${where} is logged already, in ${earlier && nameOf(earlier.position)}`);
  const floor = floors.get(request.session);
  assert(floor !== undefined, `${where} is of a session that is not open`);
  assert(request.sequence > floor, `${where} is executed, and its session had given up ${floor}`);
  floors.set(request.session, Math.max(floor, request.floor));
  const intent = at.intents.get(name)!;
  const { mutations, result } =
    intent.clear === undefined
      ? evaluate(intent, (key) => data.get(textOf(key)), {
          nextRevision: (at.revision + 1) as Revision,
          lastRevision: at.revision,
          logTime: entry.logTime,
        })
      : clearOf(intent.clear, { ...at, logged: request.result });
  const [logged, due] = [JSON.stringify(request.result), JSON.stringify(result)];
  assert(logged === due, `${where} says ${logged}; by the state before it: ${due}`);
  writes.set(name, { position: { index: entry.index, term: entry.term }, result });
  let revision = at.revision;
  for (const mutation of mutations) {
    revision = (revision + 1) as Revision;
    change(mutation, { ...at, revision });
  }
  return revision;
}

/**
 * What a clear comes to: of the part of its range that it says it has looked at all that was not written since, in the
 * state before it. How far it looked is its own affair.
 */
function clearOf(
  clear: RangeClearing,
  at: {
    readonly data: ReadonlyMap<string, StoredRecord>;
    readonly revision: Revision;
    readonly logged: WriteResult;
  },
): { readonly mutations: readonly Mutation[]; readonly result: WriteResult } {
  const behind = at.logged.kind === 'cleared' ? at.logged.behind : undefined;
  const sorted = [...at.data].sort(([a], [b]) => (a < b ? -1 : 1));
  const { gt, gte, lt, lte, ...rest } = clear;
  const lower = gt === undefined ? (gte === undefined ? {} : { gte }) : { gt };
  const upper = lt === undefined ? (lte === undefined ? {} : { lte }) : { lt };
  const looked: RangeClearing =
    behind === undefined
      ? clear
      : { ...rest, ...(clear.reverse ? { ...upper, gte: behind } : { ...lower, lte: behind }) };
  const mutations = inRange(sorted, looked)
    .filter(([, { revision }]) => revision <= clear.upTo)
    .map(([key]): Mutation => ({ kind: 'del', key: Buffer.from(key, 'latin1') }));
  const deleted = mutations.length;
  assert(clear.limit < 0 || deleted <= clear.limit, `a clear of ${clear.limit} keys deletes ${deleted}`);
  const revision = (at.revision + deleted) as Revision;
  const result = { kind: 'cleared', deleted, revision } as const;
  return { mutations, result: behind === undefined ? result : { ...result, behind } };
}

function change(
  mutation: Mutation,
  at: {
    readonly entry: Entry;
    readonly revision: Revision;
    readonly data: Map<string, StoredRecord>;
    readonly versions: Map<string, Version[]>;
    readonly expiries: ExpiryLaw;
  },
): void {
  const { entry, revision, data, versions, expiries } = at;
  expiries.changed(mutation, entry);
  const key = textOf(mutation.key);
  const version = { index: entry.index, revision: mutation.kind === 'put' ? revision : (0 as Revision) };
  versions.set(key, [...(versions.get(key) ?? []), version]);
  if (mutation.kind === 'del') data.delete(key);
  else {
    const { value, expiresAt } = mutation;
    data.set(key, expiresAt === undefined ? { value, revision } : { value, revision, expiresAt });
  }
}

export function nameOf(position: Position): string {
  return `${position.index}@${position.term}`;
}

export function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
