import type { LevelOperation } from '@holdfast/store';
import type { Disk } from '@holdfast/types';
import { decodeOperations, encodeOperations } from './batch-bytes.ts';
import { ioFailure } from './level-failure.ts';
import { LevelFiles } from './level-files.ts';
import { SortedRecords } from './sorted-records.ts';

/** More tables than this are merged into one. */
const TABLES_MAX = 4;

export interface OpenLevelOptions {
  readonly disk: Disk;
  readonly writeBufferBytes: number;
  /** Awaited between the effect of a call and its answer. */
  pause(): Promise<void>;
}

/** A database between one `open` and its `close`: what is in memory, and who may write when. */
export class OpenLevel {
  readonly #options: OpenLevelOptions;
  readonly #files: LevelFiles;
  readonly records: SortedRecords = new SortedRecords();
  /** What the tables hold. */
  readonly #flushed: SortedRecords = new SortedRecords();
  /** Batches in the current log. */
  #memory: LevelOperation[] = [];
  #memoryBytes = 0;
  /** Writers, one after the other. */
  #turns: Promise<unknown> = Promise.resolve();
  /** The table that is being made of the memory of before; never rejects. */
  #flushing: Promise<void> = Promise.resolve();
  /** LevelDB's background error: once there is one, every later write fails with it. */
  #failure: Error | undefined;

  private constructor(options: OpenLevelOptions, files: LevelFiles, operations: readonly LevelOperation[]) {
    this.#options = options;
    this.#files = files;
    this.records.apply(operations);
    this.#flushed.apply(operations);
  }

  static async open(directory: string, options: OpenLevelOptions): Promise<OpenLevel> {
    const { files, operations } = await LevelFiles.open(options.disk, directory);
    return new OpenLevel(options, files, operations);
  }

  /** Seen by reads before it is answered, as with LevelDB's threads. */
  write(operations: readonly LevelOperation[], sync: boolean): Promise<void> {
    const bytes = encodeOperations(operations);
    return this.#inTurn(async () => {
      if (this.#memoryBytes >= this.#options.writeBufferBytes) await this.#rotate();
      await this.#files.append(bytes, sync);
      const copied = decodeOperations(bytes);
      this.#memory.push(...copied);
      this.#memoryBytes += bytes.length;
      this.records.apply(copied);
    });
  }

  /** Changes the memory and waits until the old one is in a table. A failure of that is not told here. */
  async flush(): Promise<void> {
    await this.#inTurn(() => this.#rotate()).catch(() => undefined);
    await this.#flushing;
    await this.#options.pause();
  }

  /** Once what is under way is done. */
  async close(): Promise<void> {
    await this.#turns;
    await this.#flushing;
    await this.#files.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turns.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await work();
      } catch (error) {
        this.#failure ??= ioFailure(error);
        throw this.#failure;
      }
    });
    this.#turns = done.catch(() => undefined);
    return done.then(() => this.#options.pause());
  }

  /** One memory at a time is made a table: who needs a new one sooner waits. */
  async #rotate(): Promise<void> {
    await this.#flushing;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#files.rotate();
    const operations = this.#memory;
    this.#memory = [];
    this.#memoryBytes = 0;
    this.#flushing = this.#makeTable(operations).catch((error: unknown) => {
      this.#failure ??= ioFailure(error);
    });
  }

  async #makeTable(operations: readonly LevelOperation[]): Promise<void> {
    this.#flushed.apply(operations);
    const merged = this.#files.tableCount >= TABLES_MAX;
    await this.#files.flush(merged ? [...this.#flushed.operations()] : operations, merged);
  }
}
