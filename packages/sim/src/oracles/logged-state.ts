import {
  type Entry,
  type EntryRequest,
  keyText,
  type Mutation,
  mutationsOf,
  type SessionId,
} from '@holdfast/types';

/** A record as a log leaves it. */
export interface LoggedRecord {
  readonly revision: number;
  readonly value: Uint8Array;
}

/** What a log comes to, whether it is committed or not: records and sessions. */
export class LoggedState {
  /** By key, as latin1 text. */
  readonly records: Map<string, LoggedRecord> = new Map();
  /** Sequences that were logged under each open session. */
  readonly sessions: Map<SessionId, Set<number>> = new Map();
  lastRevision = 0;

  /** Request by request; `look` is given each before it takes effect. */
  apply(entry: Entry, look: (request: EntryRequest) => void = () => {}): void {
    let revision: number = entry.firstRevision;
    if (entry.body.kind === 'opening') this.lastRevision = revision;
    if (entry.body.kind !== 'requests') return;
    entry.body.requests.forEach((request, ordinal) => {
      look(request);
      if (request.kind === 'openSession')
        this.sessions.set(`${entry.term}.${entry.index}.${ordinal}` as SessionId, new Set());
      else if (request.kind === 'closeSession') this.sessions.delete(request.session);
      else if (request.kind === 'write') this.sessions.get(request.session)?.add(request.sequence);
      revision = this.#change(mutationsOf(request), revision);
    });
  }

  #change(mutations: readonly Mutation[], first: number): number {
    let revision = first;
    for (const mutation of mutations) {
      const name = keyText(mutation.key);
      if (mutation.kind === 'put') this.records.set(name, { revision, value: mutation.value });
      else this.records.delete(name);
      this.lastRevision = revision;
      revision += 1;
    }
    return revision;
  }
}
