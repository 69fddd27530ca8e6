import type {
  LevelItem,
  LevelIterator,
  LevelLike,
  LevelOperation,
  LevelRange,
  LevelSnapshot,
} from '../../src/index.ts';

type Table = ReadonlyMap<string, Uint8Array>;

interface Batch {
  readonly operations: readonly LevelOperation[];
  readonly sync: boolean;
}

class TableSnapshot implements LevelSnapshot {
  readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async close(): Promise<void> {}
}

/**
 * A database in memory with the durability of LevelDB: `crash` loses any un-synced batches, an earlier
 * one maybe while a later one survives. `compactRange` brings to stable storage what was there when it
 * was called.
 */
export class LossyLevel implements LevelLike {
  #stable: Table;
  /** Batches since `#stable`, oldest first. */
  #recent: Batch[] = [];
  #live: Table;
  #isOpen = false;
  /** Thrown by every write from now on, as LevelDB does with a background error, until it is opened again. */
  failure: Error | undefined;
  /** Awaited by each batch before it takes effect. */
  gate: Promise<void> = Promise.resolve();

  constructor(stable: Table = new Map()) {
    this.#stable = stable;
    this.#live = stable;
  }

  async open(): Promise<void> {
    this.#isOpen = true;
    this.failure = undefined;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  getSync(key: Uint8Array, options: { snapshot?: LevelSnapshot } = {}): Uint8Array | undefined {
    this.#assertOpen();
    return this.#table(options.snapshot).get(nameOf(key));
  }

  async batch(operations: LevelOperation[], options: { sync: boolean }): Promise<void> {
    this.#assertOpen();
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    const batch = { operations: operations.map(copyOf), sync: options.sync };
    this.#recent.push(batch);
    this.#live = withBatch(this.#live, batch);
  }

  iterator(options: LevelRange & { snapshot?: LevelSnapshot }): LevelIterator {
    this.#assertOpen();
    const table = this.#table(options.snapshot);
    const names = [...table.keys()].filter((name) => inRange(name, options)).sort();
    if (options.reverse) names.reverse();
    let next = 0;
    return {
      nextv: async (size) => {
        this.#assertOpen();
        const items = names
          .slice(next, next + size)
          .map((name): LevelItem => [bytesOf(name), table.get(name)!]);
        next += items.length;
        return items;
      },
      seek: (target) => {
        const name = nameOf(target);
        next = names.findIndex((other) => (options.reverse ? other <= name : other >= name));
        if (next < 0) next = names.length;
      },
      close: async () => {},
    };
  }

  snapshot(): LevelSnapshot {
    this.#assertOpen();
    return new TableSnapshot(this.#live);
  }

  async compactRange(): Promise<void> {
    this.#assertOpen();
    await this.gate;
    // As in LevelDB, the background error is not told here.
    if (this.failure !== undefined) return;
    this.#stable = this.#live;
    this.#recent = [];
  }

  /** Number of un-synced batches that a crash may lose. */
  get batchesAtRisk(): number {
    return this.#recent.filter(({ sync }) => !sync).length;
  }

  /** What a power cut leaves, not opened: of the un-synced batches those that `keeps` answers true for, by place. */
  crash(keeps: (place: number) => boolean): LossyLevel {
    let table = this.#stable;
    let place = 0;
    for (const batch of this.#recent) if (batch.sync || keeps(place++)) table = withBatch(table, batch);
    return new LossyLevel(table);
  }

  #table(snapshot: LevelSnapshot | undefined): Table {
    return snapshot instanceof TableSnapshot ? snapshot.table : this.#live;
  }

  #assertOpen(): void {
    if (this.#isOpen) return;
    throw Object.assign(new Error('Database is not open'), { code: 'LEVEL_DATABASE_NOT_OPEN' });
  }
}

function withBatch(table: Table, batch: Batch): Table {
  const changed = new Map(table);
  for (const operation of batch.operations) {
    if (operation.type === 'put') changed.set(nameOf(operation.key), operation.value);
    else changed.delete(nameOf(operation.key));
  }
  return changed;
}

function copyOf(operation: LevelOperation): LevelOperation {
  const key = Uint8Array.from(operation.key);
  return operation.type === 'put'
    ? { type: 'put', key, value: Uint8Array.from(operation.value) }
    : { type: 'del', key };
}

/** latin1 sorts as bytes do. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

function bytesOf(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}

function inRange(name: string, range: LevelRange): boolean {
  if (range.gt !== undefined && name <= nameOf(range.gt)) return false;
  if (range.gte !== undefined && name < nameOf(range.gte)) return false;
  if (range.lt !== undefined && name >= nameOf(range.lt)) return false;
  return range.lte === undefined || name <= nameOf(range.lte);
}
