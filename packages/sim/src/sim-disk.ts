import { posix } from 'node:path';
import { assert, type Clock, type Disk, type DiskFile, type DiskStat } from '@holdfast/types';
import { type ArmedFault, type DiskFault, DiskFaults, type DiskOperation } from './disk/disk-faults.ts';
import { failure, Namespace, normalPath } from './disk/namespace.ts';
import {
  type KeepChooser,
  type PendingChange,
  SECTOR_BYTES,
  type SectorTearer,
} from './disk/pending-change.ts';
import { type FileHost, SimFile, type Steps } from './disk/sim-file.ts';
import { type FileInode, type Inode, sectorsOf } from './disk/sim-inode.ts';

const BLOCK_BYTES = 4096;

export interface SimDiskOptions {
  /** Needed for a latency other than 0. */
  readonly clock?: Clock;
  /** Milliseconds each operation takes. 0, the default: it is answered on a microtask, no clock needed. */
  readonly latencyMs?: number | ((operation: DiskOperation) => number);
  /** Room for file contents, in blocks of 4096 bytes; unlimited by default. */
  readonly capacityBytes?: number;
}

export interface CrashOptions {
  /** Which un-synced changes survive: none, all (only the program died), or those that are chosen. */
  readonly keep: 'synced' | 'all' | KeepChooser;
  /** Where the sectors that survive end; none is torn without it. */
  readonly tear?: SectorTearer;
}

/**
 * A disk in memory with the failures of a real one: whatever was not synced is lost at a crash in any subset
 * of its 512-byte sectors, file sizes and directory entries, some of the sectors torn; see `PendingChange`.
 *
 * An operation takes effect when it is asked for and is answered when its latency is over; a sync covers the
 * writes answered before it was asked for, and counts when it is answered.
 */
export class SimDisk implements Disk {
  capacityBytes: number;
  /**
   * Called before each operation takes effect. It may look, copy (`clone`, `afterCrash`), crash the disk or
   * inject faults: one run of a program so gives its crash states at every step.
   */
  onOperation: ((operation: DiskOperation) => void) | undefined;
  readonly #clock: Clock | undefined;
  readonly #latencyMs: (operation: DiskOperation) => number;
  readonly #options: SimDiskOptions;
  readonly #openFiles: Set<FileInode> = new Set();
  readonly #host: FileHost;
  #faults: DiskFaults = new DiskFaults();
  #namespace: Namespace = new Namespace();
  /** Grows at each crash: what was open or under way before is dead. */
  #life = 0;

  constructor(options: SimDiskOptions = {}) {
    const latency = options.latencyMs ?? 0;
    assert(latency === 0 || options.clock !== undefined, 'a latency needs a clock');
    this.#options = options;
    this.#clock = options.clock;
    this.#latencyMs = typeof latency === 'number' ? () => latency : latency;
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.#host = {
      run: (operation, life, steps) => this.#run(operation, life, steps),
      bytesWithRoom: (file, position, length) => this.#bytesWithRoom(file, position, length),
      closed: (file) => {
        file.openCount--;
        if (file.openCount === 0) this.#openFiles.delete(file);
      },
    };
  }

  /** A disk that holds these files, all of it on stable storage. Keys are paths; a trailing slash: an empty directory. */
  static holding(files: ReadonlyMap<string, Uint8Array>, options: SimDiskOptions = {}): SimDisk {
    const disk = new SimDisk(options);
    for (const [path, bytes] of files) {
      const normal = normalPath(path);
      disk.#namespace.makeDirectory(path.endsWith('/') ? normal : posix.dirname(normal));
      if (!path.endsWith('/')) disk.#namespace.createFile(normal).write(0, bytes);
    }
    disk.crash({ keep: 'all' });
    return disk;
  }

  open(
    path: string,
    options: { create?: boolean; exclusive?: boolean; readOnly?: boolean },
  ): Promise<DiskFile> {
    const normal = normalPath(path);
    return this.#at('open', normal, () => {
      const inode = this.#inodeToOpen(normal, options);
      inode.openCount++;
      this.#openFiles.add(inode);
      const readOnly = options.readOnly ?? false;
      return new SimFile(this.#host, { path, inode, life: this.#life, readOnly });
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#at('makeDirectory', normalPath(path), (normal) => this.#namespace.makeDirectory(normal));
  }

  list(path: string): Promise<string[]> {
    return this.#at('list', normalPath(path), (normal) =>
      [...this.#namespace.directory(normal).live.keys()].sort(),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.#at('rename', normalPath(from), (normal) => this.#namespace.rename(normal, normalPath(to)));
  }

  remove(path: string): Promise<void> {
    return this.#at('remove', normalPath(path), (normal) => this.#namespace.remove(normal));
  }

  syncDirectory(path: string): Promise<void> {
    const normal = normalPath(path);
    let settle = (): void => {};
    return this.#run({ kind: 'syncDirectory', path: normal, bytes: 0 }, this.#life, {
      begin: () => {
        const directory = this.#namespace.directory(normal);
        const covered = this.#namespace.unsynced(directory);
        settle = () => this.#namespace.settle(directory, covered);
      },
      end: () => settle(),
      onFault: ({ drops }) => {
        const directory = this.#namespace.find(normal);
        if (drops === true && directory?.kind === 'directory') this.#namespace.drop(directory);
      },
    });
  }

  stat(path: string): Promise<DiskStat | undefined> {
    return this.#at('stat', normalPath(path), (normal): DiskStat | undefined => {
      const inode = this.#namespace.find(normal);
      if (inode === undefined) return undefined;
      return inode.kind === 'file'
        ? { kind: 'file', size: inode.live.length }
        : { kind: 'directory', size: BLOCK_BYTES };
    });
  }

  freeBytes(path: string): Promise<number> {
    return this.#at('freeBytes', normalPath(path), (normal) => {
      if (this.#namespace.find(normal) === undefined) throw failure('ENOENT', normal);
      return this.#freeBytes();
    });
  }

  /** Orders a failure. A failed write changes nothing; of a failed sync see `PendingChange` and fsync(2). */
  inject(fault: DiskFault): ArmedFault {
    const path = typeof fault.path === 'string' ? normalPath(fault.path) : fault.path;
    return this.#faults.inject(path === undefined ? fault : { ...fault, path });
  }

  /** Damage at rest: the byte at `position` of a file is combined with `xor` by exclusive or. */
  corrupt(path: string, position: number, xor: number): void {
    const inode = this.#namespace.find(normalPath(path));
    assert(inode?.kind === 'file', `no file to corrupt: ${path}`);
    assert(position >= 0 && position < inode.live.length, `no byte ${position} in ${path}`);
    inode.flip(position, xor);
  }

  /** Damage at rest: what lies there is gone, and reads as zeros. */
  lose(path: string, position: number, length: number): void {
    const inode = this.#namespace.find(normalPath(path));
    assert(inode?.kind === 'file', `no file to lose a part of: ${path}`);
    inode.live.read(position, length).forEach((byte, place) => {
      if (byte !== 0) inode.flip(position + place, byte);
    });
  }

  /** Another disk is put in its place, with all that it holds: files open before are dead. */
  become(other: SimDisk): void {
    this.#life++;
    this.#openFiles.clear();
    this.#namespace = other.#namespace.copy();
    this.#faults = new DiskFaults();
  }

  /** Every file of a directory with its bytes as programs see it, sorted by path; a look that takes no time. */
  files(directory: string): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    for (const [path, inode] of this.#children(directory))
      if (inode.kind === 'file') found.set(path, inode.live.read(0, inode.live.length));
    return found;
  }

  /** Paths of the directories in one, sorted. */
  directories(directory: string): string[] {
    return this.#children(directory).flatMap(([path, { kind }]) => (kind === 'directory' ? [path] : []));
  }

  #children(directory: string): [string, Inode][] {
    const inode = this.#namespace.find(normalPath(directory));
    if (inode?.kind !== 'directory') return [];
    const children = [...inode.live].map(([name, child]): [string, Inode] => [
      posix.join(directory, name),
      child,
    ]);
    return children.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** What a crash now may keep or lose, oldest first by file, then directory entries: the list that choosers see. */
  pendingChanges(): PendingChange[] {
    return this.#pending().map(({ view }) => view);
  }

  /**
   * The machine loses power and starts again: files open before are dead, operations under way fail, and
   * only what was synced or is kept by the chooser is there.
   */
  crash(options: CrashOptions): void {
    const pending = this.#pending();
    const kept = new Set(keptKeys(pending, options.keep));
    this.#life++;
    this.#openFiles.clear();
    const files = this.#namespace.inodes().filter((inode) => inode.kind === 'file');
    for (const file of files) {
      file.stable = file.afterCrash({
        keepsSector: (change) => kept.has(sectorKey(file, change)),
        keepsSize: (change) => kept.has(change),
        tears: options.tear ?? (() => SECTOR_BYTES),
      });
    }
    this.#namespace.afterCrash((change) => kept.has(change));
    for (const inode of this.#namespace.inodes()) restart(inode);
  }

  /**
   * The program dies and the machine does not: files open before are dead and operations under way are never
   * answered, but what was handed over stays, as un-synced as it was.
   */
  endProcess(): void {
    this.#life++;
    this.#openFiles.clear();
    for (const inode of this.#namespace.inodes()) if (inode.kind === 'file') inode.forgetWriters();
  }

  /** A copy of what `crash` would leave; this disk goes on. */
  afterCrash(options: CrashOptions): SimDisk {
    const copy = this.clone();
    copy.crash(options);
    return copy;
  }

  /** A copy, pending changes included, without open files, faults and hook. */
  clone(): SimDisk {
    const copy = new SimDisk({ ...this.#options, capacityBytes: this.capacityBytes });
    copy.#namespace = this.#namespace.copy();
    return copy;
  }

  /** Every file with its bytes and every empty directory (trailing slash), sorted by path: as programs see it, or what is certain to survive. */
  snapshotState(view: 'live' | 'synced' = 'synced'): Map<string, Uint8Array> {
    const disk = view === 'live' ? this : this.afterCrash({ keep: 'synced' });
    const found: [string, Uint8Array][] = [];
    const visit = (inode: Inode, path: string): void => {
      if (inode.kind === 'file') found.push([path, inode.live.read(0, inode.live.length)]);
      else if (inode.live.size === 0) found.push([`${path}/`, new Uint8Array(0)]);
      else for (const [name, child] of inode.live) visit(child, `${path}/${name}`);
    };
    visit(disk.#namespace.root, '');
    return new Map(found.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #at<Result>(kind: DiskOperation['kind'], path: string, begin: (path: string) => Result): Promise<Result> {
    return this.#run({ kind, path, bytes: 0 }, this.#life, { begin: () => begin(path) });
  }

  /** An async function runs to its first `await` at once: so effects happen in the order of the calls. */
  async #run<Result>(operation: DiskOperation, life: number, steps: Steps<Result>): Promise<Result> {
    this.#assertAlive(life, operation);
    this.onOperation?.(operation);
    this.#assertAlive(life, operation);
    const fault = this.#faults.next(operation);
    let begun: { result: Result } | { error: unknown };
    try {
      if (fault !== undefined) throw failure(fault.code, operation.path, `injected into ${operation.kind}`);
      begun = { result: steps.begin() };
    } catch (error) {
      begun = { error };
    }
    await this.#latency(operation);
    this.#assertAlive(life, operation);
    if (fault !== undefined) {
      steps.onFault?.(fault);
      fault.onFailed?.(operation);
    }
    if ('error' in begun) throw begun.error;
    steps.end?.();
    return begun.result;
  }

  #latency(operation: DiskOperation): Promise<void> {
    const delayMs = this.#latencyMs(operation);
    const clock = this.#clock;
    if (delayMs === 0 || clock === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      clock.setTimer(delayMs, resolve);
    });
  }

  #assertAlive(life: number, operation: DiskOperation): void {
    if (life !== this.#life)
      throw failure('OTHER', operation.path, `the machine crashed before the end of ${operation.kind}`);
  }

  #inodeToOpen(path: string, options: { create?: boolean; exclusive?: boolean }): FileInode {
    const inode = this.#namespace.find(path);
    if (inode === undefined) {
      this.#namespace.directory(posix.dirname(path));
      if (options.create !== true) throw failure('ENOENT', path);
      return this.#namespace.createFile(path);
    }
    if (options.create === true && options.exclusive === true) throw failure('EEXIST', path);
    if (inode.kind === 'directory') throw failure('EISDIR', path);
    return inode;
  }

  #freeBytes(): number {
    const files = new Set<Inode>([...this.#openFiles, ...this.#liveInodes(this.#namespace.root)]);
    let free = this.capacityBytes;
    for (const inode of files) if (inode.kind === 'file') free -= inode.live.allocatedBytes;
    return Math.max(0, free);
  }

  *#liveInodes(inode: Inode): Generator<Inode> {
    yield inode;
    if (inode.kind === 'directory') for (const child of inode.live.values()) yield* this.#liveInodes(child);
  }

  /** A full disk takes a write up to its last free block, as write(2) does. */
  #bytesWithRoom(file: FileInode, position: number, length: number): number {
    if (this.capacityBytes === Infinity) return length;
    const free = this.#freeBytes();
    let fits = length;
    while (file.live.bytesToAllocate(position, fits) > free) {
      const end = position + fits;
      fits = Math.max(0, end - (end % BLOCK_BYTES || BLOCK_BYTES) - position);
    }
    return fits;
  }

  #pending(): Pending[] {
    const pending: Pending[] = [];
    for (const inode of this.#namespace.inodes())
      if (inode.kind === 'file') pending.push(...pendingOf(inode));
    for (const change of this.#namespace.log)
      if (change.unsynced.size > 0) pending.push({ view: change.view, key: change });
    return pending;
  }
}

/** `key` finds the change again: its own object, or the name of a sector. */
interface Pending {
  readonly view: PendingChange;
  readonly key: unknown;
}

function* pendingOf(file: FileInode): Generator<Pending> {
  for (const change of file.log) {
    if (change.state === 'synced') continue;
    if (change.kind === 'size') {
      yield { view: { kind: 'size', path: file.path, size: change.size }, key: change };
      continue;
    }
    for (const sector of sectorsOf(change)) {
      const view: PendingChange = { kind: 'sector', path: file.path, sector, write: change.write };
      yield { view, key: sectorKey(file, view) };
    }
  }
}

function sectorKey(file: FileInode, change: { write: number; sector: number }): string {
  return `${file.id}:${change.write}:${change.sector}`;
}

function keptKeys(pending: readonly Pending[], keep: CrashOptions['keep']): unknown[] {
  if (keep === 'synced') return [];
  if (keep === 'all') return pending.map(({ key }) => key);
  const kept = new Set(keep(pending.map(({ view }) => view)));
  return pending.filter(({ view }) => kept.has(view)).map(({ key }) => key);
}

/** What is on stable storage is all that programs see from now on. */
function restart(inode: Inode): void {
  if (inode.kind === 'directory') {
    inode.live = new Map(inode.stable);
    return;
  }
  inode.live = inode.stable.copy();
  inode.log = [];
  inode.openCount = 0;
}
