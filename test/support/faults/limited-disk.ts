import { type Disk, DiskError, type DiskFile, type DiskStat } from '@holdfast/types';

/** Takes no more bytes while `full`: for machines on which no small file system can be mounted. */
export class LimitedDisk implements Disk {
  full = false;
  readonly #inner: Disk;

  constructor(inner: Disk) {
    this.#inner = inner;
  }

  async open(path: string, options: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    return new LimitedFile(this, await this.#inner.open(path, options));
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

  async freeBytes(path: string): Promise<number> {
    return this.full ? 0 : await this.#inner.freeBytes(path);
  }
}

class LimitedFile implements DiskFile {
  readonly path: string;
  readonly #disk: LimitedDisk;
  readonly #inner: DiskFile;

  constructor(disk: LimitedDisk, inner: DiskFile) {
    this.#disk = disk;
    this.#inner = inner;
    this.path = inner.path;
  }

  size(): Promise<number> {
    return this.#inner.size();
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#inner.read(position, length);
  }

  /** Writing over what is there takes no room. */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (this.#disk.full && position + bytes.byteLength > (await this.#inner.size()))
      throw new DiskError('ENOSPC', this.path, 'no room left on device');
    await this.#inner.write(position, bytes);
  }

  truncate(length: number): Promise<void> {
    return this.#inner.truncate(length);
  }

  sync(): Promise<void> {
    return this.#inner.sync();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
