import { type ChainedBatch, ClassicLevel, type Snapshot } from 'classic-level';
import type { LevelIterator, LevelLike, LevelOperation, LevelRange, LevelSnapshot } from './level-like.ts';

const CACHE_BYTES = 33_554_432;
const WRITE_BUFFER_BYTES = 8_388_608;

/** LevelDB in the directory `path`, reading and writing plain bytes. */
export function classicLevel(path: string): LevelLike {
  return new LevelDb(path);
}

type Level = ClassicLevel<Uint8Array, Uint8Array>;

class LevelDb implements LevelLike {
  readonly #level: Level;

  constructor(path: string) {
    this.#level = new ClassicLevel(path, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
  }

  open(): Promise<void> {
    return this.#level.open();
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  /** Without options abstract-level neither looks for encodings nor copies what it is given. */
  getSync(key: Uint8Array, options?: { snapshot?: LevelSnapshot }): Uint8Array | undefined {
    if (options === undefined) return this.#level.getSync(key);
    return this.#level.getSync(key, options as { snapshot?: Snapshot });
  }

  /** A chained batch takes half the main thread's time of an array (37 µs against 79 µs for 66 operations). */
  batch(operations: readonly LevelOperation[], options: { sync: boolean }): Promise<void> {
    let batch: ChainedBatch<Level, Uint8Array, Uint8Array>;
    try {
      batch = this.#level.batch();
      for (const operation of operations) {
        if (operation.type === 'put') batch.put(operation.key, operation.value);
        else batch.del(operation.key);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return batch.write(options);
  }

  iterator(options: LevelRange & { snapshot?: LevelSnapshot }): LevelIterator {
    return this.#level.iterator(options as LevelRange & { snapshot?: Snapshot }) as LevelIterator;
  }

  snapshot(): LevelSnapshot {
    return this.#level.snapshot();
  }

  compactRange(start: Uint8Array, end: Uint8Array): Promise<void> {
    return this.#level.compactRange(start, end);
  }
}
