import {
  type Entry,
  type EntryRequest,
  type LogIndex,
  mutationsOf,
  type SessionId,
  type Term,
} from '@holdfast/types';
import { isExpiring } from '../workload/keys.ts';

/** One change of one key in the log that won. */
export interface LoggedMutation {
  readonly index: LogIndex;
  readonly term: Term;
  /** The call that it belongs to; undefined: it is of no client, its key had expired. */
  readonly call: { readonly session: SessionId; readonly sequence: number } | undefined;
  readonly key: string;
  /** Undefined: a delete. */
  readonly value: string | undefined;
  readonly revision: number;
  /** The same value once more, to give it another time to live. */
  readonly isRenewal: boolean;
}

/** The entries that were applied, in order, as the changes they make: the judge of every answer in the end. */
export class WinningLog {
  readonly entries: readonly Entry[];
  readonly mutations: readonly LoggedMutation[];
  readonly lastIndex: number;
  readonly #byRevision = new Map<number, LoggedMutation>();
  readonly #byKey = new Map<string, LoggedMutation[]>();

  /** Entries from index 1 on, without a gap. */
  constructor(entries: readonly Entry[]) {
    this.entries = entries;
    this.lastIndex = entries.length;
    this.mutations = entries.flatMap((entry) => [...changesOf(entry)]);
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

/** A character for each byte: keys of Holdfast's own are no text, and no two of them may be called the same. */
export function keyName(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

/** Revisions count up over the mutations of an entry in order. */
export function* changesOf(entry: Entry): Generator<LoggedMutation> {
  if (entry.body.kind !== 'requests') return;
  const { index, term } = entry;
  let revision: number = entry.firstRevision;
  for (const request of entry.body.requests) {
    const call = request.kind === 'write' ? request : undefined;
    for (const mutation of mutationsOf(request)) {
      const key = keyName(mutation.key);
      const value = mutation.kind === 'put' ? Buffer.from(mutation.value).toString() : undefined;
      yield { index, term, call, key, value, revision, isRenewal: isRenewal(request, key) };
      revision += 1;
    }
  }
}

/** Clients write keys that expire without transactions, and renew them by one. */
function isRenewal(request: EntryRequest, key: string): boolean {
  return request.kind === 'write' && request.result.kind === 'transaction' && isExpiring(key);
}
