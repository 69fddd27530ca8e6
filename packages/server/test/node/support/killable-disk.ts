import { type Disk, DiskError, type DiskFile, type DiskStat } from '@holdfast/types';

/**
 * A real disk that a test can take away from one node, as SIGKILL does: what was written stays, nothing more is
 * written, no matter what the node still tries. It can also be full: no file is made and none grows.
 */
export class KillableDisk implements Disk {
  readonly #disk: Disk;
  #killed = false;
  #full = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get killed(): boolean {
    return this.#killed;
  }

  kill(): void {
    this.#killed = true;
  }

  set full(full: boolean) {
    this.#full = full;
  }

  async open(
    path: string,
    options: { create?: boolean; exclusive?: boolean; readOnly?: boolean },
  ): Promise<DiskFile> {
    this.#alive(path);
    if (options.create === true && this.#full && (await this.#disk.stat(path)) === undefined)
      this.#room(path);
    const file = await this.#disk.open(path, options);
    return new KillableFile(file, {
      alive: (place) => this.#alive(place),
      grows: async (end) => {
        if (this.#full && end > (await file.size())) this.#room(path);
      },
    });
  }

  async makeDirectory(path: string): Promise<void> {
    this.#alive(path);
    await this.#disk.makeDirectory(path);
  }

  list(path: string): Promise<string[]> {
    return this.#disk.list(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#alive(from);
    await this.#disk.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.#alive(path);
    await this.#disk.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#alive(path);
    await this.#disk.syncDirectory(path);
  }

  stat(path: string): Promise<DiskStat | undefined> {
    return this.#disk.stat(path);
  }

  async freeBytes(path: string): Promise<number> {
    return this.#full ? 0 : await this.#disk.freeBytes(path);
  }

  #room(path: string): void {
    if (this.#full) throw new DiskError('ENOSPC', path, 'no space left on device');
  }

  #alive(path: string): void {
    if (this.#killed) throw new DiskError('EIO', path, 'the node was killed');
  }
}

class KillableFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #disk: { alive(path: string): void; grows(end: number): Promise<void> };

  constructor(file: DiskFile, disk: { alive(path: string): void; grows(end: number): Promise<void> }) {
    this.path = file.path;
    this.#file = file;
    this.#disk = disk;
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#file.read(position, length);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.#disk.alive(this.path);
    await this.#disk.grows(position + bytes.byteLength);
    await this.#file.write(position, bytes);
  }

  async truncate(length: number): Promise<void> {
    this.#disk.alive(this.path);
    await this.#disk.grows(length);
    await this.#file.truncate(length);
  }

  async sync(): Promise<void> {
    this.#disk.alive(this.path);
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
