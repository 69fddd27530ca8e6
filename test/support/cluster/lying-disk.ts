import type { Disk, DiskFile, DiskStat } from '@holdfast/types';

/** Claims while `lies` that a sync is done without doing it: what a test of syncs must notice. */
export class LyingDisk implements Disk {
  lies = false;
  readonly #inner: Disk;

  constructor(inner: Disk) {
    this.#inner = inner;
  }

  async open(path: string, options: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    const file = await this.#inner.open(path, options);
    return {
      path: file.path,
      size: () => file.size(),
      read: (position, length, into) => file.read(position, length, into),
      write: (position, bytes) => file.write(position, bytes),
      truncate: (length) => file.truncate(length),
      sync: async () => {
        if (!this.lies) await file.sync();
      },
      close: () => file.close(),
    };
  }

  makeDirectory(path: string): Promise<void> {
    return this.#inner.makeDirectory(path);
  }

  list(path: string): Promise<string[]> {
    return this.#inner.list(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#inner.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#inner.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#inner.syncDirectory(path);
  }

  stat(path: string): Promise<DiskStat | undefined> {
    return this.#inner.stat(path);
  }

  freeBytes(path: string): Promise<number> {
    return this.#inner.freeBytes(path);
  }
}
