import { PagedBytes } from './paged-bytes.ts';
import { SECTOR_BYTES, type SectorTearer } from './pending-change.ts';

/**
 * Where one change of a file stands:
 * - `inFlight`: handed over, not yet answered; a sync begun meanwhile does not cover it;
 * - `written`: answered; the next sync takes it to stable storage;
 * - `abandoned`: a sync that covered it failed. Linux then holds its pages to be clean: they read as
 *   written, later syncs leave them out, and nobody knows what reached the disk;
 * - `synced`: on stable storage, kept in the log only because an older change is not.
 */
type ChangeState = 'inFlight' | 'written' | 'abandoned' | 'synced';

export type FileChange =
  | { readonly kind: 'size'; readonly size: number; state: ChangeState }
  | {
      readonly kind: 'data';
      readonly write: number;
      readonly position: number;
      readonly bytes: Uint8Array;
      state: ChangeState;
    };

/** Says of one un-synced change whether the crash keeps it. */
export interface FileKeeper {
  keepsSector(change: { write: number; sector: number }): boolean;
  keepsSize(change: FileChange): boolean;
  /** Of a kept sector, the bytes that got there. */
  tears: SectorTearer;
}

/** A regular file: what reads show, what is on stable storage, and in order what lies between the two. */
export class FileInode {
  readonly kind = 'file';
  readonly id: number;
  live: PagedBytes = new PagedBytes();
  stable: PagedBytes = new PagedBytes();
  log: FileChange[] = [];
  /** Newest path, for words. */
  path: string;
  openCount = 0;
  #writeCount = 0;

  constructor(id: number, path: string) {
    this.id = id;
    this.path = path;
  }

  write(position: number, bytes: Uint8Array): FileChange[] {
    const changes: FileChange[] = [];
    const end = position + bytes.length;
    if (bytes.length === 0) return changes;
    if (end > this.live.length) changes.push({ kind: 'size', size: end, state: 'inFlight' });
    this.#writeCount++;
    changes.push({
      kind: 'data',
      write: this.#writeCount,
      position,
      bytes: bytes.slice(),
      state: 'inFlight',
    });
    this.live.write(position, bytes);
    this.log.push(...changes);
    return changes;
  }

  truncate(size: number): FileChange[] {
    if (size === this.live.length) return [];
    const change: FileChange = { kind: 'size', size, state: 'inFlight' };
    this.live.resize(size);
    this.log.push(change);
    return [change];
  }

  /** What a sync begun now covers. */
  written(): FileChange[] {
    return this.log.filter((change) => change.state === 'written');
  }

  settle(covered: readonly FileChange[]): void {
    for (const change of covered) if (change.state === 'written') change.state = 'synced';
    if (!this.log.every((change) => change.state === 'synced')) return;
    this.stable = this.live.copy();
    this.log = [];
  }

  /** The size stays due: a later sync that succeeds promises it. */
  abandon(covered: readonly FileChange[]): void {
    for (const change of covered)
      if (change.kind === 'data' && change.state === 'written') change.state = 'abandoned';
  }

  /** What a machine finds here after a crash. */
  afterCrash(keeper: FileKeeper): PagedBytes {
    const cache = this.stable.copy();
    const kept = this.stable.copy();
    let keptSize = this.stable.length;
    for (const change of this.log) {
      const synced = change.state === 'synced';
      if (change.kind === 'size') {
        cache.resize(change.size);
        if (!synced && !keeper.keepsSize(change)) continue;
        keptSize = change.size;
        if (keptSize < kept.length) kept.resize(keptSize);
      } else {
        cache.write(change.position, change.bytes);
        for (const sector of sectorsOf(change)) {
          if (!synced && !keeper.keepsSector({ write: change.write, sector })) continue;
          const whole = new Uint8Array(SECTOR_BYTES);
          whole.set(cache.read(sector * SECTOR_BYTES, SECTOR_BYTES));
          const arrived = synced ? SECTOR_BYTES : keeper.tears({ write: change.write, sector });
          kept.write(sector * SECTOR_BYTES, whole.subarray(0, arrived));
        }
      }
    }
    kept.resize(keptSize);
    return kept;
  }

  /** Who wrote it is gone: what was on its way has arrived, and nobody has it open. */
  forgetWriters(): void {
    this.openCount = 0;
    for (const change of this.log) if (change.state === 'inFlight') change.state = 'written';
  }

  flip(position: number, xor: number): void {
    for (const bytes of new Set([this.live, this.stable])) {
      const [old] = bytes.read(position, 1);
      if (old !== undefined) bytes.write(position, Uint8Array.of(old ^ xor));
    }
  }

  copy(): FileInode {
    const copy = new FileInode(this.id, this.path);
    copy.live = this.live.copy();
    copy.stable = this.stable.copy();
    copy.log = this.log.map((change) => ({ ...change }));
    copy.#writeCount = this.#writeCount;
    return copy;
  }
}

export function* sectorsOf(change: { position: number; bytes: Uint8Array }): Generator<number> {
  const last = Math.floor((change.position + change.bytes.length - 1) / SECTOR_BYTES);
  for (let sector = Math.floor(change.position / SECTOR_BYTES); sector <= last; sector++) yield sector;
}

/** A directory: the entries that programs see, and those on stable storage. */
export class DirectoryInode {
  readonly kind = 'directory';
  readonly id: number;
  live: Map<string, Inode> = new Map();
  stable: Map<string, Inode> = new Map();
  path: string;

  constructor(id: number, path: string) {
    this.id = id;
    this.path = path;
  }
}

export type Inode = FileInode | DirectoryInode;
