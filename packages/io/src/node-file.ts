import fs from 'node:fs';
import { assert, type DiskFile } from '@holdfast/types';
import { attempt } from './node-call.ts';

/**
 * Up to here a write is a copy into the page cache, which costs less than the way to a thread and back. A disk that
 * hangs shows in `sync`, which never runs on the event loop.
 */
const INLINE_BYTES_MAX = 256 * 1024;

/** Linux moves at most 2 GiB − 4 KiB in one call. */
const CALL_BYTES_MAX = 2 ** 30;

/**
 * An open file of this machine. It works on the bare descriptor with callbacks: one object fewer per
 * operation than a FileHandle, which shows on the path of every acknowledged write.
 */
export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  #underWay = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  async size(): Promise<number> {
    const stats = await this.#attempt<fs.Stats>((done) => fs.fstat(this.#descriptor, done));
    return stats.size;
  }

  async isDirectory(): Promise<boolean> {
    const stats = await this.#attempt<fs.Stats>((done) => fs.fstat(this.#descriptor, done));
    return stats.isDirectory();
  }

  async read(position: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const bytes = into !== undefined && into.byteLength >= length ? into : new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const asked = Math.min(length - filled, CALL_BYTES_MAX);
      const count = await this.#attempt<number>((done) =>
        fs.read(this.#descriptor, bytes, filled, asked, position + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  /** write(2) may take less than it is given: on a signal, at a limit, on a disk about to be full. */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const asked = Math.min(bytes.length - written, CALL_BYTES_MAX);
      written += await this.#attempt<number>((done) => {
        if (asked <= INLINE_BYTES_MAX)
          this.#writeInline(bytes.subarray(written, written + asked), position + written, done);
        else fs.write(this.#descriptor, bytes, written, asked, position + written, done);
      });
    }
  }

  truncate(length: number): Promise<void> {
    return this.#attempt<void>((done) => fs.ftruncate(this.#descriptor, length, done));
  }

  sync(): Promise<void> {
    return this.#attempt<void>((done) => fs.fdatasync(this.#descriptor, done));
  }

  /**
   * Waits for what is under way: the system gives a closed descriptor's number to the next file opened, and
   * a late write would land there.
   */
  async close(): Promise<void> {
    assert(!this.#closed, `closed twice: ${this.path}`);
    this.#closed = true;
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await attempt<void>(this.path, (done) => fs.close(this.#descriptor, done));
  }

  #writeInline(
    bytes: Uint8Array,
    position: number,
    done: (error: Error | null, count: number) => void,
  ): void {
    let count = 0;
    let failure: Error | null = null;
    try {
      count = fs.writeSync(this.#descriptor, bytes, 0, bytes.length, position);
    } catch (error) {
      failure = error as Error;
    }
    done(failure, count);
  }

  #attempt<Result>(call: Parameters<typeof attempt<Result>>[1]): Promise<Result> {
    assert(!this.#closed, `used after close: ${this.path}`);
    this.#underWay++;
    return attempt<Result>(this.path, (done) =>
      call((error, result) => {
        this.#underWay--;
        done(error, result);
        if (this.#underWay === 0) this.#onIdle?.();
      }),
    );
  }
}
