import fs from 'node:fs';
import { dirname } from 'node:path';
import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type DiskStat,
  isDiskError,
} from '@holdfast/types';
import { attempt } from './node-call.ts';
import { NodeFile } from './node-file.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

/** The files of this machine. */
export class NodeDisk implements Disk {
  async open(
    path: string,
    options: { create?: boolean; exclusive?: boolean; readOnly?: boolean },
  ): Promise<DiskFile> {
    let flags = options.readOnly === true ? O_RDONLY : O_RDWR;
    if (options.create === true) flags |= O_CREAT;
    if (options.create === true && options.exclusive === true) flags |= O_EXCL;
    const descriptor = await attempt<number>(path, (done) => fs.open(path, flags, done));
    const file = new NodeFile(path, descriptor);
    if (options.readOnly === true && (await file.isDirectory())) {
      await file.close();
      throw new DiskError('EISDIR', path, `EISDIR: is a directory: ${path}`);
    }
    return file;
  }

  /**
   * Parents too. Not by the `recursive` of node:fs: on a file system that says ENOENT to a name below a directory that is
   * there, as /proc does, it tries again for ever, on all of a processor.
   */
  async makeDirectory(path: string): Promise<void> {
    try {
      await this.#makeOne(path);
    } catch (error) {
      const parent = dirname(path);
      if (!isDiskError(error, 'ENOENT') || parent === path) throw error;
      if ((await this.stat(parent)) !== undefined) throw error;
      await this.makeDirectory(parent);
      await this.#makeOne(path);
    }
  }

  async list(path: string): Promise<string[]> {
    const names = await attempt<string[]>(path, (done) => fs.readdir(path, done));
    return names.sort();
  }

  rename(from: string, to: string): Promise<void> {
    return attempt<void>(from, (done) => fs.rename(from, to, done));
  }

  remove(path: string): Promise<void> {
    return attempt<void>(path, (done) => fs.rm(path, { recursive: true, force: true }, done));
  }

  async syncDirectory(path: string): Promise<void> {
    const descriptor = await attempt<number>(path, (done) => fs.open(path, O_RDONLY | O_DIRECTORY, done));
    try {
      await attempt<void>(path, (done) => fs.fsync(descriptor, done));
    } finally {
      await attempt<void>(path, (done) => fs.close(descriptor, done));
    }
  }

  async stat(path: string): Promise<DiskStat | undefined> {
    try {
      const stats = await attempt<fs.Stats>(path, (done) => fs.stat(path, done));
      return { kind: stats.isDirectory() ? 'directory' : 'file', size: stats.size };
    } catch (error) {
      if (error instanceof DiskError && MISSING.has(error.code)) return undefined;
      throw error;
    }
  }

  async #makeOne(path: string): Promise<void> {
    try {
      await attempt<void>(path, (done) => fs.mkdir(path, done));
    } catch (error) {
      if (!isDiskError(error, 'EEXIST')) throw error;
      if ((await this.stat(path))?.kind !== 'directory') throw error;
    }
  }

  async freeBytes(path: string): Promise<number> {
    const stats = await attempt<fs.StatsFs>(path, (done) => fs.statfs(path, done));
    return stats.bavail * stats.bsize;
  }
}

/** Below a file there is nothing either. */
const MISSING: ReadonlySet<DiskErrorCode> = new Set(['ENOENT', 'ENOTDIR']);
