import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { classicLevel, type LevelItem, type LevelIterator, type LevelLike } from '@holdfast/store';

/**
 * LevelDB on a disk that can stop answering range reads, and nothing else: while it does, each of them keeps one of the
 * process's threads for files busy, as a read of a bad sector would. The thread waits in the opening of a pipe that
 * nobody writes to.
 */
export class StuckScans {
  readonly #pipe: string;
  /** Open for writing, so that nobody has to wait; undefined while reads are stuck. */
  #writer: number | undefined;

  /** `pipe`: where to make it. */
  constructor(pipe: string) {
    this.#pipe = pipe;
    execFileSync('mkfifo', [pipe]);
    this.release();
  }

  readonly location = (path: string): LevelLike => {
    const level = classicLevel(path);
    const makeIterator = level.iterator.bind(level);
    level.iterator = (options) => this.#held(makeIterator(options));
    return level;
  };

  stick(): void {
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }

  release(): void {
    // For reading as well: an opening for writing alone would wait for a reader, and this is the main thread.
    this.#writer ??= openSync(this.#pipe, constants.O_RDWR | constants.O_NONBLOCK);
  }

  #held(iterator: LevelIterator): LevelIterator {
    const nextv = iterator.nextv.bind(iterator);
    iterator.nextv = async (size): Promise<LevelItem[]> => {
      if (this.#writer === undefined) await (await open(this.#pipe, 'r')).close();
      return await nextv(size);
    };
    return iterator;
  }
}
