import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../temporary.ts';

const CHUNK_BYTES = 1_048_576;
const BLOCK_BYTES = 4096;

/** A small file system of its own, in an image that is mounted. Wants root; see `mount`. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined where this process may not mount, or the tools are missing. */
  static mount(bytes: number): SmallDisk | undefined {
    const directory = temporaryDirectory();
    const image = join(directory, 'image');
    const path = join(directory, 'disk');
    const file = openSync(image, 'w');
    ftruncateSync(file, bytes);
    closeSync(file);
    mkdirSync(path);
    const made =
      run('mkfs.ext4', ['-q', '-F', '-m', '0', image]) && run('mount', ['-o', 'loop', image, path]);
    return made ? new SmallDisk(path) : undefined;
  }

  /** Leaves no room for a single block. */
  fill(): void {
    const file = openSync(join(this.path, 'filler'), 'w');
    for (const bytes of [CHUNK_BYTES, BLOCK_BYTES]) while (isWritten(file, Buffer.alloc(bytes, 1)));
    closeSync(file);
  }

  free(): void {
    rmSync(join(this.path, 'filler'));
  }

  /** Nothing may use it any more. */
  unmount(): void {
    if (!run('umount', [this.path])) throw new Error(`${this.path} is in use still`);
  }
}

function isWritten(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.byteLength;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
