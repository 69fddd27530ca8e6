/** A key and its value. With `keys` or `values` off the one not asked for is absent. */
export type LevelItem = [key: Uint8Array | undefined, value: Uint8Array | undefined];

export type LevelOperation =
  | { type: 'put'; key: Uint8Array; value: Uint8Array }
  | { type: 'del'; key: Uint8Array };

export interface LevelRange {
  gt?: Uint8Array;
  gte?: Uint8Array;
  lt?: Uint8Array;
  lte?: Uint8Array;
  reverse?: boolean;
  keys?: boolean;
  values?: boolean;
  /** A page ends once it holds more bytes than this. */
  highWaterMarkBytes?: number;
  fillCache?: boolean;
}

/** A moment that reads can be held against. */
export interface LevelSnapshot {
  close(): Promise<void>;
}

export interface LevelIterator {
  /** Empty at the end; may be shorter than `size` before it. */
  nextv(size: number): Promise<LevelItem[]>;
  seek(target: Uint8Array): void;
  close(): Promise<void>;
}

/**
 * What the store needs of a database: the part of abstract-level it uses, over raw bytes, with the
 * durability of LevelDB:
 *
 * - a batch is atomic, and seen by `getSync` once its promise resolves, at the latest;
 * - without `sync` a power cut may lose it, and may lose it while keeping a later one;
 * - with `sync` this batch survives, which says nothing of earlier ones;
 * - once `compactRange` resolves and a later `sync` batch succeeded, every batch that had resolved
 *   before it was called survives.
 */
export interface LevelLike {
  open(): Promise<void>;
  close(): Promise<void>;
  getSync(key: Uint8Array, options?: { snapshot?: LevelSnapshot }): Uint8Array | undefined;
  batch(operations: LevelOperation[], options: { sync: boolean }): Promise<void>;
  iterator(options: LevelRange & { snapshot?: LevelSnapshot }): LevelIterator;
  snapshot(): LevelSnapshot;
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>;
}

/** Makes the database of a directory; it is opened by the store. */
export type LevelLocation = (path: string) => LevelLike;
