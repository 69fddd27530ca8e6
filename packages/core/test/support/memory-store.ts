import {
  assert,
  type LogIndex,
  type Mutation,
  mutationsOf,
  type Position,
  type RangeClearing,
  type Revision,
  type SessionId,
  type SessionRecord,
  type StoredRecord,
  type StoreState,
  type Term,
  type TermStart,
} from '@holdfast/types';
import type { Effect, FoundKey, FoundRange } from '../../src/api.ts';

type Batch = Extract<Effect, { kind: 'apply' }>;

const NOWHERE: Position = { index: 0 as LogIndex, term: 0 as Term };

/** The state of one node: keys, sessions, history, position. A crash keeps what was applied; see `checkpoint`. */
export class MemoryStore {
  #data: Map<string, StoredRecord> = new Map();
  /** Places of the index of expiries: by `expiresAt/key`. */
  #places: Map<string, { readonly key: Uint8Array; readonly expiresAt: number }> = new Map();
  #sessions: Map<SessionId, SessionRecord> = new Map();
  #history: readonly TermStart[] = [];
  #applied: Position = NOWHERE;
  #checkpoint: Position = NOWHERE;
  #revision = 0 as Revision;
  #logTime = 0;
  /** As of the checkpoint, and what was applied since. */
  #durable: MemoryStore | undefined;
  #since: Batch[] = [];

  /** Replays bring entries again: positions may go back for a while, contents end up the same. */
  apply(batch: Batch): void {
    const first = batch.entries[0];
    assert(
      first !== undefined && first.index <= this.#applied.index + 1,
      'a batch leaves a gap in the store',
    );
    this.#since.push(batch);
    this.#put(batch);
  }

  #put(batch: Batch): void {
    for (const entry of batch.entries) {
      if (entry.body.kind !== 'requests') continue;
      let revision = entry.firstRevision;
      for (const request of entry.body.requests) {
        for (const mutation of mutationsOf(request)) {
          this.#change(mutation, revision);
          revision = (revision + 1) as Revision;
        }
        if (request.kind === 'expire') for (const due of request.due) this.#places.delete(placeText(due));
      }
    }
    for (const record of batch.sessions) this.#sessions.set(record.id, record);
    for (const id of batch.closedSessions) this.#sessions.delete(id);
    this.#history = batch.history;
    this.#applied = batch.applied;
    this.#revision = batch.revision;
    this.#logTime = batch.logTime;
  }

  #change(mutation: Mutation, revision: Revision): void {
    const { key } = mutation;
    if (mutation.kind === 'del') {
      this.#data.delete(textOf(key));
      return;
    }
    const { value, expiresAt, formerExpiry } = mutation;
    if (formerExpiry !== undefined) this.#places.delete(placeText({ key, expiresAt: formerExpiry }));
    if (expiresAt === undefined) this.#data.set(textOf(key), { value, revision });
    else {
      this.#data.set(textOf(key), { value, revision, expiresAt });
      this.#places.set(placeText({ key, expiresAt }), { key, expiresAt });
    }
  }

  /** As the store does. */
  findDue({ upTo, placesMax }: { readonly upTo: number; readonly placesMax: number }): {
    readonly due: readonly FoundKey[];
    readonly next: number | undefined;
  } {
    const places = [...this.#places.values()].sort((a, b) => (placeText(a) < placeText(b) ? -1 : 1));
    const due = places.filter(({ expiresAt }) => expiresAt <= upTo).slice(0, placesMax);
    return {
      due: due.map(({ key, expiresAt }) => ({
        key,
        expiresAt,
        isCurrent: this.get(key)?.expiresAt === expiresAt,
      })),
      next: places[due.length]?.expiresAt,
    };
  }

  /** As the store does. */
  findOld(wanted: Omit<Extract<Effect, { kind: 'findOld' }>, 'kind' | 'id'>): FoundRange {
    const { range, keysMax, keyBytesMax, readBytesMax } = wanted;
    const limit = range.limit < 0 ? Number.POSITIVE_INFINITY : range.limit;
    const keys: Uint8Array[] = [];
    let [looked, keyBytes, readBytes] = [0, 0, 0];
    for (const [text, { value, revision }] of inRange(this.data(), range)) {
      const key = Uint8Array.from(Buffer.from(text, 'latin1'));
      looked += 1;
      readBytes += key.byteLength + value.byteLength;
      if (revision <= range.upTo) {
        keys.push(key);
        keyBytes += key.byteLength;
      }
      const isOver = looked >= keysMax || keyBytes >= keyBytesMax || readBytes >= readBytesMax;
      if (isOver || keys.length >= limit) return { keys, behind: key };
    }
    return { keys };
  }

  /** Of the index of expiries, in order. */
  places(): string[] {
    return [...this.#places.keys()].sort();
  }

  get(key: Uint8Array): StoredRecord | undefined {
    return this.#data.get(textOf(key));
  }

  /** As the store does: ends with the record that takes the values over `bytesMax`. */
  getMany(wanted: {
    readonly keys: readonly Uint8Array[];
    readonly bytesMax: number;
  }): (StoredRecord | undefined)[] {
    const records: (StoredRecord | undefined)[] = [];
    let bytes = 0;
    for (const key of wanted.keys) {
      if (bytes > wanted.bytesMax) break;
      records.push(this.get(key));
      bytes += records.at(-1)?.value.byteLength ?? 0;
    }
    return records;
  }

  get applied(): Position {
    return this.#applied;
  }

  /** Everything applied is on stable storage from here on: a restart re-applies what follows. */
  checkpoint(): Position {
    this.#checkpoint = this.#applied;
    this.#since = [];
    this.#durable = undefined;
    this.#durable = this.clone();
    return this.#checkpoint;
  }

  /**
   * What LevelDB may leave: all up to the checkpoint, and of what was applied since any batches, a later one
   * without an earlier (fault 44).
   */
  afterCrash(survives: (batch: Batch) => boolean): MemoryStore {
    const left = this.#durable?.clone() ?? new MemoryStore();
    left.#durable = this.#durable;
    for (const batch of this.#since) {
      if (!survives(batch)) continue;
      left.#since.push(batch);
      left.#put(batch);
    }
    return left;
  }

  clone(): MemoryStore {
    const copy = new MemoryStore();
    copy.#data = new Map(this.#data);
    copy.#places = new Map(this.#places);
    copy.#sessions = new Map(this.#sessions);
    copy.#history = this.#history;
    copy.#applied = this.#applied;
    copy.#checkpoint = this.#checkpoint;
    copy.#revision = this.#revision;
    copy.#logTime = this.#logTime;
    copy.#durable = this.#durable;
    copy.#since = this.#since.slice();
    return copy;
  }

  state(): StoreState {
    return {
      applied: this.#applied,
      checkpoint: this.#checkpoint,
      revision: this.#revision,
      logTime: this.#logTime,
      sessions: [...this.#sessions.values()],
      history: this.#history,
    };
  }

  /** Keys with values and revisions, in order. */
  data(): [string, StoredRecord][] {
    return [...this.#data].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Sorts by time. */
function placeText({ key, expiresAt }: { readonly key: Uint8Array; readonly expiresAt: number }): string {
  return `${String(expiresAt).padStart(16, '0')}/${textOf(key)}`;
}

/** In the direction of the range; `records` in order of keys, which are texts of one character a byte. */
export function inRange<Value>(
  records: readonly (readonly [string, Value])[],
  { gt, gte, lt, lte, reverse }: RangeClearing,
): (readonly [string, Value])[] {
  const within = records.filter(
    ([key]) =>
      (gt === undefined || key > textOf(gt)) &&
      (gte === undefined || key >= textOf(gte)) &&
      (lt === undefined || key < textOf(lt)) &&
      (lte === undefined || key <= textOf(lte)),
  );
  return reverse ? within.reverse() : within;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
