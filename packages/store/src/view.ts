import type { KeyRange, Revision, StoredRecord } from '@holdfast/types';
import type { LevelLike, LevelSnapshot } from './level-like.ts';
import { LevelScan, type StoreScan } from './scan.ts';
import { recordOf, recordsOf } from './stored-records.ts';

/** The state of one moment, for any number of reads. */
export interface StoreView {
  /** Of the state. */
  readonly revision: Revision;
  /** As `Store.get`, of that moment. HOLDFAST_SNAPSHOT_LOST once the store was closed or reopened. */
  get(keys: readonly Uint8Array[], bytesMax: number): (StoredRecord | undefined)[];
  /** A range as of that moment; close it. It outlasts the view. */
  scan(range: KeyRange): StoreScan;
  /** Must be called: an open view pins what it shows. */
  close(): Promise<void>;
}

export interface LevelViewOptions {
  readonly level: LevelLike;
  /** Closed with the view and its last scan. */
  readonly snapshot: LevelSnapshot;
  readonly revision: Revision;
  /** Makes of a failed read what the caller is told. */
  readonly failure: (error: unknown) => unknown;
}

export class LevelView implements StoreView {
  readonly revision: Revision;
  readonly #options: LevelViewOptions;
  /** The view itself, and each scan on it. */
  #users = 1;
  #closing: Promise<void> | undefined;

  constructor(options: LevelViewOptions) {
    this.revision = options.revision;
    this.#options = options;
  }

  get(keys: readonly Uint8Array[], bytesMax: number): (StoredRecord | undefined)[] {
    const { level, snapshot, failure } = this.#options;
    try {
      return recordsOf(keys, bytesMax, (key) => recordOf(level, key, snapshot));
    } catch (error) {
      throw failure(error);
    }
  }

  scan(range: KeyRange): StoreScan {
    const { level, snapshot, revision, failure } = this.#options;
    let scan: LevelScan;
    try {
      const release = (): Promise<void> => this.#release();
      scan = new LevelScan({ level, snapshot, revision, range, failure, release });
    } catch (error) {
      // The store was opened anew meanwhile, and its snapshots ended with that.
      throw failure(error);
    }
    this.#users += 1;
    return scan;
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.#options.snapshot.close();
  }
}
