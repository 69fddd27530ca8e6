import { crc32 } from 'node:zlib';
import type { LevelOperation } from '@holdfast/store';
import { type Disk, DiskError, type DiskFile } from '@holdfast/types';
import { decodeOperations, encodeOperations } from './batch-bytes.ts';
import { BlockLog, isDamaged, readBlockLog } from './block-log.ts';
import { levelFailure } from './level-failure.ts';

/** What a manifest says: these tables, oldest first, and every log from this number on make up the database. */
interface Version {
  readonly log: number;
  readonly tables: readonly number[];
}

const NUMBERED = /^(?:MANIFEST-)?(\d{6})(?:\.(?:log|ldb|dbtmp))?$/;

/** The files of one database as LevelDB names and syncs them; see `SimLevel` for what that comes to. */
export class LevelFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  #version: Version = { log: 0, tables: [] };
  #manifest: BlockLog | undefined;
  #manifestNumber = 0;
  #lastNumber = 0;
  #log: { readonly number: number; readonly file: BlockLog } | undefined;

  private constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /**
   * Opens the files there are, or begins a new database. Answers the operations of the tables and, behind them, of
   * the logs that no table holds yet; after this they are all in tables.
   */
  static async open(
    disk: Disk,
    directory: string,
  ): Promise<{ readonly files: LevelFiles; readonly operations: LevelOperation[] }> {
    const files = new LevelFiles(disk, directory);
    await disk.makeDirectory(directory);
    const names = await disk.list(directory);
    files.#lastNumber = Math.max(0, ...names.map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0)));
    if (names.includes('CURRENT')) files.#version = await files.#readVersion(names);
    const operations: LevelOperation[] = [];
    for (const table of files.#version.tables) operations.push(...(await files.#readTable(table, names)));
    const logged = await files.#readLogs(names);
    operations.push(...logged);
    const log = await files.#newLog();
    await files.#beginManifest({
      log: log.number,
      tables: [...files.#version.tables, ...(logged.length > 0 ? [await files.#writeTable(logged)] : [])],
    });
    files.#log = log;
    await files.#removeObsolete();
    return { files, operations };
  }

  get tableCount(): number {
    return this.#version.tables.length;
  }

  /** Writes to the current log; with `sync` that log is on stable storage, whatever became of earlier ones. */
  async append(operations: Uint8Array, sync: boolean): Promise<void> {
    const { file } = this.#log!;
    await file.append(operations);
    if (sync) await file.sync();
  }

  /** Begins a new log. The old one is closed without a sync, and needed until `flush`. */
  async rotate(): Promise<void> {
    const log = await this.#newLog();
    const old = this.#log!;
    this.#log = log;
    await old.file.close();
  }

  /**
   * Puts the operations of all logs but the current one into a synced table, and says so in the synced manifest.
   * `merged`: they are those of all tables as well, which it replaces.
   */
  async flush(operations: readonly LevelOperation[], merged: boolean): Promise<void> {
    const log = this.#log!.number;
    const added = operations.length > 0 ? [await this.#writeTable(operations)] : [];
    await this.#installVersion({ log, tables: merged ? added : [...this.#version.tables, ...added] });
    await this.#removeObsolete();
  }

  async close(): Promise<void> {
    await this.#log?.file.close();
    await this.#manifest?.close();
  }

  async #readVersion(names: readonly string[]): Promise<Version> {
    const current = Buffer.from(await this.#read('CURRENT')).toString('latin1');
    const name = current.trim();
    if (!current.endsWith('\n') || !names.includes(name))
      throw levelFailure('LEVEL_CORRUPTION', 'Corruption: CURRENT points to a non-existent file');
    const bytes = await this.#read(name);
    if (isDamaged(bytes)) throw levelFailure('LEVEL_CORRUPTION', `Corruption: checksum mismatch: ${name}`);
    const last = [...readBlockLog(bytes)].at(-1);
    if (last === undefined) throw levelFailure('LEVEL_CORRUPTION', 'Corruption: no version in the manifest');
    return JSON.parse(Buffer.from(last).toString('latin1')) as Version;
  }

  async #readTable(number: number, names: readonly string[]): Promise<LevelOperation[]> {
    const name = nameOf(number, 'ldb');
    if (!names.includes(name))
      throw levelFailure('LEVEL_CORRUPTION', `Corruption: 1 missing files; e.g.: ${name}`);
    const bytes = Buffer.from(await this.#read(name));
    if (bytes.length < 4 || crc32(bytes.subarray(4)) !== bytes.readUInt32BE(0))
      throw levelFailure('LEVEL_CORRUPTION', `Corruption: block checksum mismatch: ${name}`);
    return decodeOperations(bytes.subarray(4));
  }

  async #readLogs(names: readonly string[]): Promise<LevelOperation[]> {
    const operations: LevelOperation[] = [];
    for (const name of names) {
      if (!name.endsWith('.log') || Number(name.slice(0, 6)) < this.#version.log) continue;
      for (const batch of readBlockLog(await this.#read(name))) operations.push(...decodeOperations(batch));
    }
    return operations;
  }

  async #writeTable(operations: readonly LevelOperation[]): Promise<number> {
    const number = this.#nextNumber();
    const payload = encodeOperations(operations);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(payload));
    const file = await this.#create(nameOf(number, 'ldb'));
    await file.write(0, Buffer.concat([checksum, payload]));
    await file.sync();
    await file.close();
    return number;
  }

  async #newLog(): Promise<{ number: number; file: BlockLog }> {
    const number = this.#nextNumber();
    return { number, file: new BlockLog(await this.#create(nameOf(number, 'log'))) };
  }

  async #beginManifest(version: Version): Promise<void> {
    this.#manifestNumber = this.#nextNumber();
    const name = `MANIFEST-${digits(this.#manifestNumber)}`;
    this.#manifest = new BlockLog(await this.#create(name));
    await this.#installVersion(version);
    const temporary = nameOf(this.#manifestNumber, 'dbtmp');
    const file = await this.#create(temporary);
    await file.write(0, Buffer.from(`${name}\n`, 'latin1'));
    await file.sync();
    await file.close();
    await this.#disk.rename(this.#path(temporary), this.#path('CURRENT'));
    // LevelDB leaves this out: it counts on a file system that keeps the order of a rename and later removals,
    // which the simulated one does not.
    await this.#disk.syncDirectory(this.#directory);
  }

  /** The tables that it names are there before it is: LevelDB syncs the directory with the manifest. */
  async #installVersion(version: Version): Promise<void> {
    await this.#disk.syncDirectory(this.#directory);
    await this.#manifest!.append(Buffer.from(JSON.stringify(version), 'latin1'));
    await this.#manifest!.sync();
    this.#version = version;
  }

  async #removeObsolete(): Promise<void> {
    // LevelDB does not look at what comes of it: what is still there is obsolete the next time, too.
    for (const name of await this.#disk.list(this.#directory))
      if (this.#isObsolete(name)) await this.#disk.remove(this.#path(name)).catch(() => undefined);
  }

  #isObsolete(name: string): boolean {
    const match = NUMBERED.exec(name);
    if (match === null) return false;
    const number = Number(match[1]);
    if (name.endsWith('.log')) return number < this.#version.log;
    if (name.endsWith('.ldb')) return !this.#version.tables.includes(number);
    return number < this.#manifestNumber || name.endsWith('.dbtmp');
  }

  async #read(name: string): Promise<Uint8Array> {
    const file = await this.#disk.open(this.#path(name), { readOnly: true });
    try {
      return await file.read(0, await file.size());
    } finally {
      await file.close();
    }
  }

  /** Numbers are not used twice, unless a crash took back that they were. */
  async #create(name: string): Promise<DiskFile> {
    const file = await this.#disk.open(this.#path(name), { create: true });
    if ((await file.size()) > 0) throw new DiskError('EEXIST', this.#path(name), `${name} is not new`);
    return file;
  }

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

function nameOf(number: number, kind: 'log' | 'ldb' | 'dbtmp'): string {
  return `${digits(number)}.${kind}`;
}

function digits(number: number): string {
  return String(number).padStart(6, '0');
}
