import { posix } from 'node:path';
import { DiskError, type DiskErrorCode } from '@holdfast/types';
import type { PendingChange } from './pending-change.ts';
import { DirectoryInode, FileInode, type Inode } from './sim-inode.ts';

type EntryChangeView = Extract<PendingChange, { kind: 'create' | 'rename' | 'remove' }>;

interface EntryEdit {
  readonly directory: DirectoryInode;
  readonly name: string;
  /** Absent: the entry goes. */
  readonly inode: Inode | undefined;
}

/** One atomic change of directory entries. */
export interface EntryChange {
  readonly view: EntryChangeView;
  readonly edits: readonly EntryEdit[];
  /** Directories that must be synced before it is on stable storage; empty: it is, but an older one is not. */
  readonly unsynced: Set<DirectoryInode>;
  /** A sync that covered it failed, and the system dropped it: programs see it, and no later sync takes it along. */
  isDropped: boolean;
}

/** The tree of directories. Paths are absolute and normal; see `normalPath`. */
export class Namespace {
  root: DirectoryInode = new DirectoryInode(0, '/');
  log: EntryChange[] = [];
  #nextId = 1;

  find(path: string): Inode | undefined {
    let inode: Inode = this.root;
    for (const name of namesOf(path)) {
      if (inode.kind === 'file') return undefined;
      const next = inode.live.get(name);
      if (next === undefined) return undefined;
      inode = next;
    }
    return inode;
  }

  directory(path: string): DirectoryInode {
    let inode: Inode = this.root;
    for (const name of namesOf(path)) {
      if (inode.kind === 'file') throw failure('ENOTDIR', path);
      const next = inode.live.get(name);
      if (next === undefined) throw failure('ENOENT', path);
      inode = next;
    }
    if (inode.kind === 'file') throw failure('ENOTDIR', path);
    return inode;
  }

  createFile(path: string): FileInode {
    const file = new FileInode(this.#nextId++, path);
    this.#create(path, file);
    return file;
  }

  makeDirectory(path: string): void {
    const names = namesOf(path);
    names.forEach((_name, depth) => {
      const part = `/${names.slice(0, depth + 1).join('/')}`;
      const present = this.find(part);
      if (present?.kind === 'file') throw failure(depth === names.length - 1 ? 'EEXIST' : 'ENOTDIR', path);
      if (present === undefined) this.#create(part, new DirectoryInode(this.#nextId++, part));
    });
  }

  rename(from: string, to: string): void {
    const source = this.directory(posix.dirname(from));
    const target = this.directory(posix.dirname(to));
    const inode = source.live.get(posix.basename(from));
    if (inode === undefined) throw failure('ENOENT', from);
    if (from === to) return;
    if (`${to}/`.startsWith(`${from}/`)) throw failure('OTHER', to);
    const replaced = target.live.get(posix.basename(to));
    if (replaced !== undefined && replaced.kind !== inode.kind)
      throw failure(replaced.kind === 'file' ? 'ENOTDIR' : 'EISDIR', to);
    if (replaced?.kind === 'directory' && replaced.live.size > 0) throw failure('OTHER', to);
    this.#change({ kind: 'rename', path: from, to }, [
      { directory: source, name: posix.basename(from), inode: undefined },
      { directory: target, name: posix.basename(to), inode },
    ]);
    setPath(inode, to);
  }

  /** Children first, each a change of its own: a crash may leave a directory half emptied. */
  remove(path: string): void {
    const inode = this.find(path);
    if (inode === undefined) return;
    if (inode === this.root) throw failure('OTHER', path);
    if (inode.kind === 'directory')
      for (const name of [...inode.live.keys()].sort()) this.remove(posix.join(path, name));
    const directory = this.directory(posix.dirname(path));
    this.#change({ kind: 'remove', path }, [{ directory, name: posix.basename(path), inode: undefined }]);
  }

  /** What a sync of `directory` begun now covers. */
  unsynced(directory: DirectoryInode): EntryChange[] {
    return this.log.filter((change) => change.unsynced.has(directory) && !change.isDropped);
  }

  /** What a failed sync of it was to cover. */
  drop(directory: DirectoryInode): void {
    for (const change of this.unsynced(directory)) change.isDropped = true;
  }

  settle(directory: DirectoryInode, covered: readonly EntryChange[]): void {
    for (const change of covered) if (!change.isDropped) change.unsynced.delete(directory);
    this.#settleUnreachable(covered);
    while (this.log[0]?.unsynced.size === 0) this.log.shift()!.edits.forEach(applyTo('stable'));
  }

  /** What a machine finds after a crash that keeps the un-synced changes for which `keeps` says so. */
  afterCrash(keeps: (change: EntryChange) => boolean): void {
    for (const change of this.log)
      if (change.unsynced.size === 0 || keeps(change)) change.edits.forEach(applyTo('stable'));
    this.log = [];
  }

  /** Every inode that is, or after a crash could be, in the tree, by id. */
  inodes(): Inode[] {
    const found = new Set<Inode>();
    const visit = (inode: Inode): void => {
      if (found.has(inode)) return;
      found.add(inode);
      if (inode.kind === 'file') return;
      for (const child of inode.live.values()) visit(child);
      for (const child of inode.stable.values()) visit(child);
    };
    visit(this.root);
    for (const change of this.log)
      for (const { inode } of change.edits) if (inode !== undefined) visit(inode);
    return [...found].sort((one, other) => one.id - other.id);
  }

  copy(): Namespace {
    const copy = new Namespace();
    const twins = new Map<Inode, Inode>([[this.root, copy.root]]);
    const twinOf = <Kind extends Inode>(inode: Kind): Kind => {
      const known = twins.get(inode);
      if (known !== undefined) return known as Kind;
      const twin = inode.kind === 'file' ? inode.copy() : new DirectoryInode(inode.id, inode.path);
      twins.set(inode, twin);
      return twin as Kind;
    };
    for (const inode of this.inodes()) {
      if (inode.kind === 'file') continue;
      const twin = twinOf(inode as DirectoryInode);
      for (const [name, child] of inode.live) twin.live.set(name, twinOf(child));
      for (const [name, child] of inode.stable) twin.stable.set(name, twinOf(child));
    }
    copy.log = this.log.map((change) => ({
      view: change.view,
      edits: change.edits.map((edit) => ({
        directory: twinOf(edit.directory),
        name: edit.name,
        inode: edit.inode === undefined ? undefined : twinOf(edit.inode),
      })),
      unsynced: new Set([...change.unsynced].map((directory) => twinOf(directory))),
      isDropped: change.isDropped,
    }));
    copy.#nextId = this.#nextId;
    return copy;
  }

  #create(path: string, inode: Inode): void {
    const directory = this.directory(posix.dirname(path));
    this.#change({ kind: 'create', path }, [{ directory, name: posix.basename(path), inode }]);
  }

  #change(view: EntryChangeView, edits: readonly EntryEdit[]): void {
    this.log.push({ view, edits, unsynced: new Set(edits.map((edit) => edit.directory)), isDropped: false });
    edits.forEach(applyTo('live'));
  }

  /** Nobody will sync a directory that is removed for good: without this its changes would stay pending for ever. */
  #settleUnreachable(settled: readonly EntryChange[]): void {
    const gone = new Set<DirectoryInode>();
    for (const change of settled) {
      if (change.view.kind !== 'remove' || change.unsynced.size > 0) continue;
      for (const directory of this.log.flatMap((other) => other.edits.map((edit) => edit.directory)))
        if (
          `${directory.path}/`.startsWith(`${change.view.path}/`) &&
          this.find(directory.path) !== directory
        )
          gone.add(directory);
    }
    for (const change of this.log) for (const directory of gone) change.unsynced.delete(directory);
  }
}

/** Absolute, without `.`, `..` and trailing slash; the process is taken to stand in `/`. */
export function normalPath(path: string): string {
  return posix.resolve('/', path);
}

export function failure(code: DiskErrorCode, path: string, detail = 'simulated'): DiskError {
  return new DiskError(code, path, `${code}: ${detail}: ${path}`);
}

function applyTo(side: 'live' | 'stable'): (edit: EntryEdit) => void {
  return (edit) => {
    if (edit.inode === undefined) edit.directory[side].delete(edit.name);
    else edit.directory[side].set(edit.name, edit.inode);
  };
}

function setPath(inode: Inode, path: string): void {
  inode.path = path;
  if (inode.kind === 'directory')
    for (const [name, child] of inode.live) setPath(child, posix.join(path, name));
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}
