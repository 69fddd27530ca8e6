import type { Disk, DiskFile, DiskStat } from '@holdfast/types';
import type { ProcessGate } from './process-gate.ts';

/** A disk as one process sees it: answers wait while it is frozen, and nothing leaves it once it is dead. */
export class ProcessDisk implements Disk {
  readonly #disk: Disk;
  readonly #gate: ProcessGate;

  constructor(disk: Disk, gate: ProcessGate) {
    this.#disk = disk;
    this.#gate = gate;
  }

  open(
    path: string,
    options: { create?: boolean; exclusive?: boolean; readOnly?: boolean },
  ): Promise<DiskFile> {
    return this.#ask(async () => new ProcessFile(await this.#disk.open(path, options), this.#gate));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#ask(() => this.#disk.makeDirectory(path));
  }

  list(path: string): Promise<string[]> {
    return this.#ask(() => this.#disk.list(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#ask(() => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#ask(() => this.#disk.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#ask(() => this.#disk.syncDirectory(path));
  }

  stat(path: string): Promise<DiskStat | undefined> {
    return this.#ask(() => this.#disk.stat(path));
  }

  freeBytes(path: string): Promise<number> {
    return this.#ask(() => this.#disk.freeBytes(path));
  }

  #ask<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#gate.answer('disk', call);
  }
}

class ProcessFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #gate: ProcessGate;

  constructor(file: DiskFile, gate: ProcessGate) {
    this.path = file.path;
    this.#file = file;
    this.#gate = gate;
  }

  size(): Promise<number> {
    return this.#gate.answer('disk', () => this.#file.size());
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#gate.answer('disk', () => this.#file.read(position, length));
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return this.#gate.answer('disk', () => this.#file.write(position, bytes));
  }

  truncate(length: number): Promise<void> {
    return this.#gate.answer('disk', () => this.#file.truncate(length));
  }

  sync(): Promise<void> {
    return this.#gate.answer('disk', () => this.#file.sync());
  }

  close(): Promise<void> {
    return this.#gate.answer('disk', () => this.#file.close());
  }
}
