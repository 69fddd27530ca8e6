import type { Disk, DiskFile } from '@holdfast/types';
import type { SegmentFiles } from './segment-files.ts';

interface Reader {
  readonly file: Promise<DiskFile>;
  /** Reads under way; the file is closed after them. */
  reads: number;
  onIdle: (() => void) | undefined;
}

/** The segments that are part of the log, and reading from them. Files are opened when first read. */
export class SegmentSet {
  readonly #disk: Disk;
  readonly #files: SegmentFiles;
  readonly #bytes: Map<number, number> = new Map();
  readonly #readers: Map<number, Reader> = new Map();

  constructor(disk: Disk, files: SegmentFiles) {
    this.#disk = disk;
    this.#files = files;
  }

  add(segment: number, bytes: number): void {
    this.#bytes.set(segment, bytes);
  }

  /** Growing. */
  get numbers(): number[] {
    return [...this.#bytes.keys()].sort((one, other) => one - other);
  }

  get count(): number {
    return this.#bytes.size;
  }

  get totalBytes(): number {
    let total = 0;
    for (const bytes of this.#bytes.values()) total += bytes;
    return total;
  }

  async read(segment: number, offset: number, length: number): Promise<Uint8Array> {
    const reader = this.#readers.get(segment) ?? this.#open(segment);
    reader.reads++;
    try {
      return await (await reader.file).read(offset, length);
    } finally {
      reader.reads--;
      if (reader.reads === 0) reader.onIdle?.();
    }
  }

  /**
   * Deletes the file for good: on stable storage before this resolves. Reads under way still get their bytes. After an
   * error it may be called again.
   */
  async remove(segment: number): Promise<void> {
    await this.#disk.remove(this.#files.segment(segment));
    await this.#disk.syncDirectory(this.#files.directory);
    this.#bytes.delete(segment);
    await this.#close(segment);
  }

  async close(): Promise<void> {
    for (const segment of [...this.#readers.keys()]) await this.#close(segment);
  }

  #open(segment: number): Reader {
    const file = this.#disk.open(this.#files.segment(segment), { readOnly: true });
    const reader: Reader = { file, reads: 0, onIdle: undefined };
    this.#readers.set(segment, reader);
    // Whoever reads is told; the next one tries again.
    file.catch(() => {
      if (this.#readers.get(segment) === reader) this.#readers.delete(segment);
    });
    return reader;
  }

  async #close(segment: number): Promise<void> {
    const reader = this.#readers.get(segment);
    if (reader === undefined) return;
    this.#readers.delete(segment);
    if (reader.reads > 0) {
      await new Promise<void>((resolve) => {
        reader.onIdle = resolve;
      });
    }
    await reader.file.then(
      (file) => file.close(),
      () => undefined,
    );
  }
}
