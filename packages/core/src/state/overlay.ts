import { assert, keyText, type LogIndex, type Revision, TransientMap } from '@holdfast/types';

/** What the newest logged entry that touches a key will leave in the store. */
export interface OverlayRecord {
  readonly index: LogIndex;
  readonly revision: Revision;
  /** `null`: deleted. */
  readonly value: Uint8Array | null;
  /** Log time; absent: it stays. */
  readonly expiresAt?: number;
}

/** A release that waits for the fetches that had begun before it. */
interface HeldRelease {
  applied: LogIndex;
  /** Newest fetch that was under way: the release holds once this and every earlier one has ended. */
  readonly newestFetch: number;
}

/** Counted per record on top of key and value. */
const RECORD_OVERHEAD_BYTES = 64;
/** Below this many released slots the queue is not worth compacting. */
const COMPACT_SLOTS_MIN = 1024;

/**
 * The newest logged but not yet applied record of each key, on the primary. Store under overlay is the newest
 * state, which is what conditions and increments are evaluated against.
 *
 * A condition's record is fetched from the store while the log goes on. Were an overlay record dropped as soon
 * as it is applied, a fetch that read the store just before would reach the evaluator with an older value and
 * nothing to correct it. So what a release covers goes only when every fetch begun before that release has ended;
 * a fetch begun later finds it in the store. A fetch ends when its records have been evaluated, not when they arrive.
 */
export class Overlay {
  readonly #records: TransientMap<string, OverlayRecord> = new TransientMap();
  /** Every put in order, as two columns: index and key. Slots before `#head` are released. */
  #indexes: LogIndex[] = [];
  #keys: string[] = [];
  #head = 0;
  #bytes = 0;
  /** Fetches under way, growing. */
  readonly #fetches: number[] = [];
  #lastFetch = 0;
  /** By `applied` and `newestFetch`, both growing. */
  readonly #held: HeldRelease[] = [];
  #applied: LogIndex = 0 as LogIndex;

  /** Keys with a record. */
  get size(): number {
    return this.#records.size;
  }

  /** Memory of the records, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): OverlayRecord | undefined {
    return this.#records.get(key);
  }

  /** Indexes never go down. */
  put(key: string, record: OverlayRecord): void {
    const newest = this.#indexes[this.#indexes.length - 1] ?? this.#applied;
    assert(record.index >= newest, `overlay: index ${record.index} after ${newest}`);
    const before = this.#records.get(key);
    if (before !== undefined) this.#bytes -= recordBytes(key, before);
    this.#bytes += recordBytes(key, record);
    this.#records.set(key, record);
    this.#indexes.push(record.index);
    this.#keys.push(key);
  }

  /** A fetch starts: nothing here may go before it ends, unless it was released before. Returns its token. */
  beginFetch(): number {
    this.#lastFetch += 1;
    this.#fetches.push(this.#lastFetch);
    return this.#lastFetch;
  }

  /** Its records were evaluated, or dropped. Unknown after `clear`, and then ignored. */
  endFetch(token: number): void {
    assert(token >= 1 && token <= this.#lastFetch, `overlay: fetch ${token} never began`);
    const place = this.#fetches.indexOf(token);
    if (place < 0) return;
    this.#fetches.splice(place, 1);
    const oldest = this.#fetches[0] ?? Number.POSITIVE_INFINITY;
    let due = 0;
    while (due < this.#held.length && this.#held[due]!.newestFetch < oldest) due += 1;
    if (due === 0) return;
    const covered = this.#held[due - 1]!.applied;
    this.#held.splice(0, due);
    this.#drop(covered);
  }

  /** Entries up to `applied` are in the store. */
  release(applied: LogIndex): void {
    if (applied <= this.#applied) return;
    this.#applied = applied;
    const newestFetch = this.#fetches[this.#fetches.length - 1];
    if (newestFetch === undefined) {
      this.#drop(applied);
      return;
    }
    const last = this.#held[this.#held.length - 1];
    if (last?.newestFetch === newestFetch) last.applied = applied;
    else this.#held.push({ applied, newestFetch });
  }

  /** Newest entry here that touches one of `keys`; 0 when none does. */
  newestIndex(keys: readonly Uint8Array[]): LogIndex {
    let newest = 0 as LogIndex;
    for (const key of keys) {
      const record = this.#records.get(keyText(key));
      if (record !== undefined && record.index > newest) newest = record.index;
    }
    return newest;
  }

  /** Forgets records and fetches alike: the primary's term of office is over. */
  clear(): void {
    this.#records.clear();
    this.#indexes = [];
    this.#keys = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#fetches.length = 0;
    this.#held.length = 0;
    this.#applied = 0 as LogIndex;
  }

  #drop(applied: LogIndex): void {
    const end = this.#indexes.length;
    let head = this.#head;
    while (head < end && this.#indexes[head]! <= applied) {
      const key = this.#keys[head]!;
      const record = this.#records.get(key);
      // A newer put of the same key has its own slot further back.
      if (record !== undefined && record.index <= applied) {
        this.#bytes -= recordBytes(key, record);
        this.#records.delete(key);
      }
      head += 1;
    }
    this.#head = head;
    if (head === end) {
      this.#indexes = [];
      this.#keys = [];
      this.#head = 0;
    } else if (head >= COMPACT_SLOTS_MIN && head * 2 >= end) {
      this.#indexes = this.#indexes.slice(head);
      this.#keys = this.#keys.slice(head);
      this.#head = 0;
    }
  }
}

function recordBytes(key: string, record: OverlayRecord): number {
  return RECORD_OVERHEAD_BYTES + key.length + (record.value === null ? 0 : record.value.byteLength);
}
