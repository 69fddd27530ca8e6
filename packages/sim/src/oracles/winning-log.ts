import type { Entry, LogIndex, SessionId, Term, WriteResult } from '@holdfast/types';

/** One change of one key in the log that won. */
export interface LoggedMutation {
  readonly index: LogIndex;
  readonly term: Term;
  readonly session: SessionId;
  readonly sequence: number;
  readonly key: string;
  /** Undefined: a delete. */
  readonly value: string | undefined;
  readonly revision: number;
  readonly result: WriteResult;
}

/** The entries that were applied, in order, as the changes they make: the judge of every answer in the end. */
export class WinningLog {
  readonly mutations: readonly LoggedMutation[];
  readonly lastIndex: number;
  readonly #byRevision = new Map<number, LoggedMutation>();
  readonly #byKey = new Map<string, LoggedMutation[]>();

  /** Entries from index 1 on, without a gap. */
  constructor(entries: readonly Entry[]) {
    this.lastIndex = entries.length;
    this.mutations = entries.flatMap((entry) => [...mutationsOf(entry)]);
    for (const mutation of this.mutations) {
      this.#byRevision.set(mutation.revision, mutation);
      const ofKey = this.#byKey.get(mutation.key);
      if (ofKey === undefined) this.#byKey.set(mutation.key, [mutation]);
      else ofKey.push(mutation);
    }
  }

  at(revision: number): LoggedMutation | undefined {
    return this.#byRevision.get(revision);
  }

  /** Oldest first. */
  ofKey(key: string): readonly LoggedMutation[] {
    return this.#byKey.get(key) ?? [];
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  /** What is there in the end. */
  finalState(): Map<string, string> {
    const state = new Map<string, string>();
    for (const [key, mutations] of [...this.#byKey].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const value = mutations.at(-1)?.value;
      if (value !== undefined) state.set(key, value);
    }
    return state;
  }
}

/** Revisions count up over the mutations of an entry in order. */
function* mutationsOf(entry: Entry): Generator<LoggedMutation> {
  if (entry.body.kind !== 'requests') return;
  let revision: number = entry.firstRevision;
  for (const request of entry.body.requests) {
    if (request.kind !== 'write') continue;
    const { session, sequence, result } = request;
    for (const mutation of request.mutations) {
      const key = Buffer.from(mutation.key).toString();
      const value = mutation.kind === 'put' ? Buffer.from(mutation.value).toString() : undefined;
      yield { index: entry.index, term: entry.term, session, sequence, key, value, revision, result };
      revision += 1;
    }
  }
}
