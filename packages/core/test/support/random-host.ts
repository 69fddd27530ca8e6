import type { DiskId, NodeId, Position } from '@holdfast/types';
import type { Input, RecoveredState } from '../../src/api.ts';
import type { Core } from '../../src/core.ts';
import type { ServingNode } from './drawn-ports.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryStore } from './memory-store.ts';

interface Dice {
  draw(below: number): number;
}

/** One node of a random cluster: its disk, and the process that runs on it now. */
export class RandomHost implements ServingNode {
  readonly id: NodeId;
  core: Core | undefined;
  log: MemoryLog = new MemoryLog();
  store: MemoryStore = new MemoryStore();
  disk: DiskId;
  boot = 0;
  persisting = false;
  /** Since this process started: before, a store may look newer than all that it holds, and no checkpoint is taken. */
  hasApplied = false;
  readonly snapshots: Map<string, MemoryStore> = new Map();
  pausedUntil = 0;
  /** What arrived while it was paused. */
  readonly inbox: Input[] = [];
  hasLost = false;
  /** Its verdict may be that it is out of the cluster. */
  mayBeOut = false;
  #bootedAt = 0;
  #disks = 1;

  constructor(id: NodeId) {
    this.id = id;
    this.disk = `${id}-disk-1` as DiskId;
  }

  get isUp(): boolean {
    return this.core !== undefined;
  }

  holds(position: Position): boolean {
    return this.log.holds(position);
  }

  /** Each process counts its own milliseconds. */
  timeAt(now: number): number {
    return now - this.#bootedAt + 10;
  }

  boots(now: number): RecoveredState {
    this.boot++;
    this.#bootedAt = now;
    this.persisting = false;
    this.hasApplied = false;
    const log = this.log.recover();
    const image = this.snapshots.get(log.baseDirectory ?? '');
    if (image !== undefined) this.store = image;
    this.snapshots.clear();
    return { log, store: this.store.state(), storeUsable: true };
  }

  /** What was not synced is gone, or not: of the log from the end, of the store any batches since its checkpoint. */
  crashes(dice: Dice): void {
    this.core = undefined;
    this.log.crash(dice.draw(this.log.outstanding.length + 1));
    const whole = dice.draw(2) === 0;
    this.store = this.store.afterCrash(() => whole || dice.draw(2) === 0);
    this.inbox.length = 0;
  }

  installs(directory: string): void {
    this.store = this.snapshots.get(directory)!;
    this.snapshots.delete(directory);
  }

  losesStore(): void {
    this.store = new MemoryStore();
  }

  wiped(): void {
    this.#disks++;
    this.disk = `${this.id}-disk-${this.#disks}` as DiskId;
    this.log = new MemoryLog();
    this.store = new MemoryStore();
    this.snapshots.clear();
    this.hasLost = true;
    this.mayBeOut = true;
  }

  copyDisk(): { readonly log: MemoryLog; readonly store: MemoryStore } {
    return { log: this.log.clone(), store: this.store.clone() };
  }

  restoreDisk(copy: { readonly log: MemoryLog; readonly store: MemoryStore }): void {
    this.log = copy.log;
    this.store = copy.store;
    this.hasLost = true;
    this.mayBeOut = true;
  }

  damaged(dice: Dice): void {
    if (this.log.damage(dice)) this.hasLost = true;
  }
}
