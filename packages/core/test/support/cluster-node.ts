import {
  type BootId,
  type DiskId,
  type Entry,
  entryBytes,
  type NodeId,
  type Position,
  type StoreState,
} from '@holdfast/types';
import type { CoreApi, CoreConfig, Effect, Input, RecoveredState } from '../../src/api.ts';
import { effectText } from './format.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryStore } from './memory-store.ts';

export type CoreFactory = (config: CoreConfig, recovered: RecoveredState, now: number) => CoreApi;

/** Work of the driver that an effect asked for and that has not been completed yet. */
export type Work = 'persist' | 'apply' | 'load' | 'fetch' | 'due' | 'old' | 'install' | 'snapshot';

export const WORKS: readonly Work[] = [
  'persist',
  'load',
  'fetch',
  'due',
  'old',
  'apply',
  'install',
  'snapshot',
];

/** One run of a node's process, with all that went in and came out, to be played again. */
interface Run {
  readonly recovered: RecoveredState;
  readonly config: CoreConfig;
  readonly startedAt: number;
  readonly steps: { readonly input: Input; readonly now: number; readonly effects: string }[];
}

/** A node as its core's driver: disk, store, and what is under way. Completing work is left to the script. */
export class ClusterNode {
  readonly id: NodeId;
  /** Every node counts its own monotonic milliseconds. */
  readonly clockOffset: number;
  disk: DiskId;
  boot = 0;
  core: CoreApi | undefined;
  log: MemoryLog = new MemoryLog();
  store: MemoryStore = new MemoryStore();
  /** Takes part in nothing and keeps its links: SIGSTOP. */
  frozen = false;
  stopReason: string | undefined;
  /** Peers whose link it holds to be up. */
  readonly links: Set<NodeId> = new Set();
  /** Work that `auto` leaves alone. */
  readonly held: Set<Work> = new Set();
  readonly diverged: Entry[] = [];
  readonly snapshots: Map<string, { readonly store: MemoryStore; readonly position: Position }> = new Map();
  readonly runs: Run[] = [];
  #applies: Extract<Effect, { kind: 'apply' }>[] = [];
  #loaded: Extract<Input, { kind: 'loaded' }>[] = [];
  #fetched: Extract<Input, { kind: 'fetched' }>[] = [];
  #dueFound: Extract<Input, { kind: 'dueFound' }>[] = [];
  #oldFound: Extract<Input, { kind: 'oldFound' }>[] = [];
  #installs: string[] = [];
  #transfers: { readonly peer: NodeId; readonly store: MemoryStore }[] = [];
  #disks = 1;
  #storeUsable = true;

  constructor(id: NodeId, order: number) {
    this.id = id;
    this.clockOffset = order * 1000;
    this.disk = `disk-${id}` as DiskId;
  }

  get bootId(): BootId {
    return `boot-${this.id}-${this.boot}` as BootId;
  }

  start(make: CoreFactory, config: CoreConfig, now: number): void {
    this.boot += 1;
    const log = this.log.recover();
    const installed = [...this.snapshots.values()].find(
      (snapshot) => snapshot.position.index === log.base.index,
    );
    if (installed !== undefined && log.base.index > this.store.applied.index) this.#install(installed.store);
    const recovered: RecoveredState = { log, store: this.store.state(), storeUsable: this.#storeUsable };
    this.core = make(config, recovered, now);
    this.runs.push({ recovered, config, startedAt: now, steps: [] });
  }

  /** One step of the core, and its effects put to work; those that concern others are returned. */
  step(input: Input, now: number): readonly Effect[] {
    const effects = this.core!.step(input, now);
    this.core!.checkInvariants();
    this.runs.at(-1)!.steps.push({ input, now, effects: effects.map(effectText).join('\n') });
    return effects;
  }

  crash(kept: number): void {
    this.core = undefined;
    this.frozen = false;
    this.links.clear();
    this.log.crash(kept);
    this.#applies = [];
    this.#loaded = [];
    this.#fetched = [];
    this.#dueFound = [];
    this.#oldFound = [];
    this.#installs = [];
    this.#transfers = [];
  }

  /** An empty directory under the same node id. */
  wipe(): void {
    this.#disks += 1;
    this.disk = `disk-${this.id}-${this.#disks}` as DiskId;
    this.log = new MemoryLog();
    this.store = new MemoryStore();
    this.snapshots.clear();
    this.#storeUsable = true;
  }

  /** Its store, and nothing else, can be read no longer. */
  damageStore(): void {
    this.store = new MemoryStore();
    this.#storeUsable = false;
  }

  /** Starts what an effect asks for; reads happen at once and are told late, which is the harder order. */
  perform(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.log.append(effect.order);
        return;
      case 'apply':
        this.#applies.push(effect);
        return;
      case 'load':
        this.#loaded.push({
          kind: 'loaded',
          id: effect.id,
          entries: this.log.read({ ...effect, bytesOf: entryBytes }),
        });
        return;
      case 'fetch':
        this.#fetched.push({ kind: 'fetched', id: effect.id, records: this.store.getMany(effect) });
        return;
      case 'findDue':
        this.#dueFound.push({ kind: 'dueFound', id: effect.id, ...this.store.findDue(effect) });
        return;
      case 'findOld':
        this.#oldFound.push({ kind: 'oldFound', id: effect.id, found: this.store.findOld(effect) });
        return;
      case 'sendSnapshot':
        this.#transfers.push({ peer: effect.peer, store: this.store.clone() });
        return;
      case 'cancelSnapshot':
        this.#transfers = this.#transfers.filter((transfer) => transfer.peer !== effect.peer);
        return;
      case 'install':
        this.#installs.push(effect.directory);
        return;
      case 'discardSnapshot':
        this.snapshots.delete(effect.directory);
        return;
      case 'fileDiverged':
        this.diverged.push(...effect.entries);
        this.log.judged(effect.entries);
        return;
      case 'judged':
        this.log.judged(effect.entries);
        return;
      default:
    }
  }

  /** Completes the oldest piece of work of a kind (all persists under way count as one); the input that tells so. */
  complete(work: Exclude<Work, 'snapshot'>, count?: number): Input | undefined {
    switch (work) {
      case 'persist': {
        const ticket = this.log.sync(count);
        return ticket === undefined ? undefined : { kind: 'persisted', ticket };
      }
      case 'apply': {
        const batch = this.#applies.shift();
        if (batch === undefined) return undefined;
        this.store.apply(batch);
        return { kind: 'applied', index: batch.applied.index };
      }
      case 'load':
        return this.#loaded.shift();
      case 'fetch':
        return this.#fetched.shift();
      case 'due':
        return this.#dueFound.shift();
      case 'old':
        return this.#oldFound.shift();
      case 'install': {
        const directory = this.#installs.shift();
        if (directory === undefined) return undefined;
        this.#install(this.snapshots.get(directory)!.store);
        return { kind: 'installed', directory };
      }
    }
  }

  #install(store: MemoryStore): void {
    this.store = store.clone();
    this.#storeUsable = true;
  }

  nextTransfer(): { readonly peer: NodeId; readonly store: MemoryStore } | undefined {
    return this.#transfers.shift();
  }

  /** What a snapshot link brought, verified and synced. */
  receive(directory: string, store: MemoryStore): Input {
    const copy = store.clone();
    copy.checkpoint();
    const state: StoreState = copy.state();
    this.snapshots.set(directory, { store: copy, position: state.applied });
    return { kind: 'snapshotReceived', directory, state };
  }

  outstanding(): string[] {
    const lines: string[] = [];
    const tickets = this.log.outstanding.map((order) => `#${order.ticket}`);
    if (tickets.length > 0) lines.push(`persist ${tickets.join(' ')}`);
    for (const batch of this.#applies) lines.push(`apply to ${batch.applied.index}`);
    for (const loaded of this.#loaded) lines.push(`load #${loaded.id}`);
    for (const fetched of this.#fetched) lines.push(`fetch #${fetched.id}`);
    for (const found of this.#dueFound) lines.push(`due #${found.id}`);
    for (const found of this.#oldFound) lines.push(`old #${found.id}`);
    for (const transfer of this.#transfers) lines.push(`snapshot to ${transfer.peer}`);
    for (const directory of this.#installs) lines.push(`install ${directory}`);
    return lines;
  }
}
