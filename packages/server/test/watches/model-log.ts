import type {
  Entry,
  EntryBody,
  EntryRequest,
  LogIndex,
  Mutation,
  NodeId,
  Revision,
  SessionId,
  StoredRecord,
  Term,
  WatchedRange,
} from '@holdfast/types';
import { forEachMutation, lastRevisionOf, REVISION_GAP } from '@holdfast/types';
import type { ReadableLog } from '../../src/watches/log-search.ts';

/** One mutation of the history, as a watch ought to be told it. */
export interface Told {
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: number;
  readonly term: number;
  readonly before: string | undefined;
  /** Mutations of one write have the same. */
  readonly write: number;
}

/** A log in memory, whose head goes away now and then, with the naive history that it makes. */
export class ModelLog implements ReadableLog {
  first = 1 as LogIndex;
  readonly entries: Entry[] = [];
  readonly history: Told[] = [];
  readonly state = new Map<string, string>();
  revision = 0;
  #term = 1;
  #writes = 0;
  /** Reads wait until this is called. */
  readonly #waiting: (() => void)[] = [];

  get last(): number {
    return this.entries.length;
  }

  get term(): Term {
    return this.#term as Term;
  }

  /** Requests of mutations of keys; no value: a delete. */
  append(requests: readonly (readonly (readonly [key: string, value: string | undefined])[])[]): Entry {
    return this.#push({
      kind: 'requests',
      requests: requests.map(
        (mutations, place): EntryRequest => ({
          kind: 'write',
          session: '1.1.0' as SessionId,
          sequence: place + 1,
          floor: 0,
          ack: 'quorum',
          mutations: mutations.map(
            ([key, value]): Mutation =>
              value === undefined
                ? { kind: 'del', key: Buffer.from(key) }
                : { kind: 'put', key: Buffer.from(key), value: Buffer.from(value) },
          ),
          result: { kind: 'written', revision: 0 as Revision },
        }),
      ),
    });
  }

  openTerm(): Entry {
    this.#term += 1;
    return this.#push({ kind: 'opening', primary: 'n1' as NodeId });
  }

  noop(): Entry {
    return this.#push({ kind: 'noop' });
  }

  /** Everything below goes. */
  cut(below: number): void {
    this.first = Math.max(this.first, Math.min(below, this.last + 1)) as LogIndex;
  }

  /** The store just before an entry. */
  before(index: number): (key: string) => StoredRecord | undefined {
    const state = new Map<string, StoredRecord>();
    for (const entry of this.entries.slice(0, index - 1)) {
      forEachMutation(entry, (mutation, revision) => {
        const key = Buffer.from(mutation.key).toString();
        if (mutation.kind === 'put') state.set(key, { value: mutation.value, revision });
        else state.delete(key);
      });
    }
    return (key) => state.get(key);
  }

  /** What a watch of the range is to be told after a revision, up to another. */
  expected(range: { readonly gte?: string; readonly lt?: string }, after: number, upTo: number): Told[] {
    return this.history.filter(
      ({ key, revision }) =>
        revision > after &&
        revision <= upTo &&
        (range.gte === undefined || key >= range.gte) &&
        (range.lt === undefined || key < range.lt),
    );
  }

  async read({ from, to, bytesMax }: Parameters<ReadableLog['read']>[0]): Promise<Entry[]> {
    const chosen = this.entries.slice(from - 1, to).slice(0, Math.max(1, Math.floor(bytesMax / 100_000)));
    const isHeld = from >= this.first;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    // Files that go while they are read are found out then.
    return isHeld && from >= this.first ? chosen : [];
  }

  heldFrom(to: LogIndex): LogIndex {
    return Math.min(this.first, to + 1) as LogIndex;
  }

  /** Lets reads that wait go on; true if there were any. */
  flush(): boolean {
    const waiting = this.#waiting.splice(0);
    for (const resolve of waiting) resolve();
    return waiting.length > 0;
  }

  #push(body: EntryBody): Entry {
    const index = (this.last + 1) as LogIndex;
    const gap = body.kind === 'opening' ? REVISION_GAP : 0;
    const entry: Entry = {
      database: 'd'.repeat(32) as Entry['database'],
      index,
      term: this.term,
      previousTerm: (this.entries.at(-1)?.term ?? 0) as Term,
      logTime: 0,
      firstRevision: (this.revision + gap + 1) as Revision,
      body,
    };
    this.entries.push(entry);
    forEachMutation(entry, (mutation, revision, endsRequest) => {
      const key = Buffer.from(mutation.key).toString();
      const value = mutation.kind === 'put' ? Buffer.from(mutation.value).toString() : undefined;
      const write = this.#writes;
      this.history.push({ key, value, revision, term: entry.term, before: this.state.get(key), write });
      if (value === undefined) this.state.delete(key);
      else this.state.set(key, value);
      if (endsRequest) this.#writes += 1;
    });
    this.revision = lastRevisionOf(entry);
    return entry;
  }
}

export function rangeOf({ gte, lt }: { readonly gte?: string; readonly lt?: string }): WatchedRange {
  return {
    ...(gte === undefined ? {} : { gte: Buffer.from(gte) }),
    ...(lt === undefined ? {} : { lt: Buffer.from(lt) }),
  };
}
