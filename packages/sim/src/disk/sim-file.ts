import { assert, type DiskFile } from '@holdfast/types';
import type { DiskFault, DiskOperationKind } from './disk-faults.ts';
import { failure } from './namespace.ts';
import type { FileChange, FileInode } from './sim-inode.ts';

/** What one operation does: at once when it is asked for, when it is answered, and when a fault was ordered for it. */
export interface Steps<Result> {
  begin(): Result;
  end?(): void;
  onFault?(fault: DiskFault): void;
}

/** What an open file needs of the disk it is on. */
export interface FileHost {
  run<Result>(
    operation: { kind: DiskOperationKind; path: string; bytes: number },
    life: number,
    steps: Steps<Result>,
  ): Promise<Result>;
  /** Bytes of this write, from its start, that there is room for. */
  bytesWithRoom(file: FileInode, position: number, length: number): number;
  closed(file: FileInode): void;
}

export class SimFile implements DiskFile {
  readonly path: string;
  readonly #host: FileHost;
  readonly #inode: FileInode;
  readonly #life: number;
  readonly #readOnly: boolean;
  #closed = false;

  constructor(host: FileHost, options: { path: string; inode: FileInode; life: number; readOnly: boolean }) {
    this.path = options.path;
    this.#host = host;
    this.#inode = options.inode;
    this.#life = options.life;
    this.#readOnly = options.readOnly;
  }

  size(): Promise<number> {
    return this.#run('size', 0, { begin: () => this.#inode.live.length });
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#run('read', length, { begin: () => this.#inode.live.read(position, length) });
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    let changes: FileChange[] = [];
    return this.#run('write', bytes.length, {
      begin: () => {
        this.#assertWritable();
        const room = this.#host.bytesWithRoom(this.#inode, position, bytes.length);
        changes = this.#inode.write(position, bytes.subarray(0, room));
        if (room === bytes.length) return;
        markWritten(changes);
        throw failure('ENOSPC', this.path);
      },
      end: () => markWritten(changes),
    });
  }

  truncate(length: number): Promise<void> {
    let changes: FileChange[] = [];
    return this.#run('truncate', 0, {
      begin: () => {
        this.#assertWritable();
        changes = this.#inode.truncate(length);
      },
      end: () => markWritten(changes),
    });
  }

  sync(): Promise<void> {
    let covered: FileChange[] = [];
    return this.#run('sync', 0, {
      begin: () => {
        covered = this.#inode.written();
      },
      end: () => this.#inode.settle(covered),
      onFault: () => this.#inode.abandon(this.#inode.written()),
    });
  }

  close(): Promise<void> {
    return this.#run('close', 0, {
      begin: () => {
        this.#closed = true;
        this.#host.closed(this.#inode);
      },
    });
  }

  #run<Result>(kind: DiskOperationKind, bytes: number, steps: Steps<Result>): Promise<Result> {
    assert(!this.#closed, `${kind} on a closed file: ${this.path}`);
    return this.#host.run({ kind, path: this.path, bytes }, this.#life, steps);
  }

  #assertWritable(): void {
    if (this.#readOnly) throw failure('OTHER', this.path, 'opened read-only');
  }
}

function markWritten(changes: readonly FileChange[]): void {
  for (const change of changes) change.state = 'written';
}
