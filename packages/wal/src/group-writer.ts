import type { PersistOrder } from '@holdfast/core';
import {
  type Clock,
  type DiskId,
  HoldfastError,
  isDiskError,
  type Ticket,
  type Timer,
} from '@holdfast/types';
import { BLOCK_BYTES, concatBytes } from './bytes.ts';
import { frameSeed } from './frame.ts';
import { frameHeader, GroupLayout, markHeader } from './group-layout.ts';
import { advanceState, type LogState, stateDigest } from './log-state.ts';
import { NO_PAYLOAD, type RecordPayload } from './record-payload.ts';
import { encodeSegmentHead } from './segment-head.ts';
import type { FreshSegment, SegmentSupply } from './segment-supply.ts';

export interface QueuedFrame {
  readonly order: PersistOrder;
  readonly payload: RecordPayload;
}

export interface GroupWriterOptions {
  readonly clock: Clock;
  readonly diskId: DiskId;
  readonly supply: SegmentSupply;
  /** With its head on stable storage. */
  readonly segment: FreshSegment;
  /** What that head says. */
  readonly state: LogState;
  readonly ticket: Ticket;
  /** A new segment is written to from now on. */
  onSegment(segment: FreshSegment): void;
  /** The frame goes to this place; its bytes are not there yet. */
  onPlaced(frame: QueuedFrame, segment: number, payloadOffset: number): void;
  /** The frames are on stable storage. */
  onSynced(frames: readonly QueuedFrame[]): void;
  /** Once. Nothing is reported synced after it. */
  onFailure(error: Error): void;
  onSync?(durationMs: number, bytes: number, frames: number): void;
}

/** One more than what a turn has to say takes to leave: its frames are made in the first, and go to the socket in the second. */
const TURN_MICROTASKS = 3;

/** A mark is written when nothing came for so long. */
const IDLE_MS = 10;

/** Frames beyond this wait for the next write; a frame larger than this goes alone. */
const GROUP_BYTES_MAX = 8_388_608;

/** Kept for the next write when no larger. */
const SCRATCH_BYTES = 1_048_576;

/**
 * Group commit: one write and one sync for all that waits; while they are under way the rest collects.
 * The last block of a segment is kept for the mark at its end.
 */
export class GroupWriter {
  readonly #options: GroupWriterOptions;
  readonly #scratch: Uint8Array = new Uint8Array(SCRATCH_BYTES);
  #queue: QueuedFrame[] = [];
  #segment: FreshSegment;
  #seed: number;
  /** Not written yet: goes with the first group. */
  #head: Uint8Array | undefined;
  #offset: number;
  /** With the records of every frame that has a place. */
  #state: LogState;
  #digest: number;
  /** Of the newest frame that has a place. */
  #ticket: Ticket;
  /** Of the newest frame on stable storage. */
  #synced: Ticket;
  #marked = false;
  #markDue = false;
  #markTimer: Timer | undefined;
  #running: Promise<void> | undefined;
  #failed = false;
  #closing = false;
  #syncs = 0;
  #frames = 0;
  #usedBytes = 0;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#segment = options.segment;
    this.#seed = frameSeed(options.diskId, options.segment.number);
    this.#state = options.state;
    this.#digest = stateDigest(options.state);
    this.#ticket = options.ticket;
    this.#synced = options.ticket;
    this.#offset = this.#encodeHead(options.segment.number).byteLength;
  }

  get stats(): { readonly syncs: number; readonly frames: number } {
    return { syncs: this.#syncs, frames: this.#frames };
  }

  /** Of segments: what was written, padding included, and what was left over at their ends. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Every segment below this one may go as far as heads are concerned: a later head is on stable storage. */
  get newestHead(): number {
    return this.#head === undefined ? this.#segment.number : this.#segment.number - 1;
  }

  append(frame: QueuedFrame): void {
    if (this.#failed) return;
    this.#queue.push(frame);
    this.#start();
  }

  /** Writes what waits, as far as there is room, and a last mark. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#markTimer?.cancel();
    this.#options.supply.stopWaiting();
    this.#markDue = true;
    this.#start();
    await this.#running;
    await this.#segment.file.close();
  }

  /** Also for what fails beside the writing: nothing more is written. */
  fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#queue = [];
    this.#markTimer?.cancel();
    if (this.#closing && error instanceof HoldfastError && error.code === 'HOLDFAST_DISK_FULL') return;
    this.#options.onFailure(error);
  }

  #start(): void {
    this.#markTimer?.cancel();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#turnEnd();
      while (!this.#failed && (this.#queue.length > 0 || this.#markDue)) {
        if (this.#queue.length > 0) await this.#writeGroup();
        else await this.#writeIdleMark();
        await this.#turnEnd();
      }
    } catch (error) {
      this.fail(error as Error);
    } finally {
      // In one step with the last look at the queue: what is appended later finds nobody running, and starts anew.
      this.#running = undefined;
      this.#markWhenIdle();
    }
  }

  /**
   * All that this turn of the event loop appends goes into the next group: also what follows from the last one's being on
   * stable storage. And what there is to say goes out before: the way to the standbys and back is longer than that to
   * the disk.
   */
  async #turnEnd(): Promise<void> {
    for (let microtask = 0; microtask < TURN_MICROTASKS; microtask++) await undefined;
  }

  async #writeGroup(): Promise<void> {
    const layout = new GroupLayout(this.#offset);
    const group = this.#takeGroup(layout);
    if (group.length === 0) {
      await this.#rotate();
      return;
    }
    await this.#write(layout, group.length);
    this.#marked = false;
    this.#options.onSynced(group);
  }

  #takeGroup(layout: GroupLayout): QueuedFrame[] {
    let count = 0;
    for (const frame of this.#queue) {
      const end = layout.endWith(sizeOf(frame));
      const fits = end + BLOCK_BYTES <= this.#segment.bytes;
      if (!fits || (count > 0 && end - this.#offset > GROUP_BYTES_MAX)) break;
      this.#lay(layout, frame);
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #lay(layout: GroupLayout, frame: QueuedFrame): void {
    const { order, payload } = frame;
    this.#state = advanceState(this.#state, order);
    if (order.record.kind === 'genesis' || order.record.kind === 'base')
      this.#digest = stateDigest(this.#state);
    const tickets = { ticket: order.ticket, synced: this.#synced, digest: this.#digest };
    const offset = layout.add(frameHeader(order.record.kind, payload, this.#state, tickets), payload);
    this.#ticket = order.ticket;
    this.#options.onPlaced(frame, this.#segment.number, offset);
  }

  /** The old segment is synced, its last mark too, before the new one has a head. */
  async #rotate(): Promise<void> {
    const first = this.#queue[0];
    if (first === undefined) return;
    if (!this.#marked) await this.#writeMark();
    const headBytes = this.#encodeHead(Number.MAX_SAFE_INTEGER).byteLength;
    const fresh = await this.#options.supply.take(
      new GroupLayout(headBytes).endWith(sizeOf(first)) + BLOCK_BYTES,
    );
    await this.#segment.file.close();
    this.#usedBytes += this.#segment.bytes - this.#offset;
    this.#segment = fresh;
    this.#seed = frameSeed(this.#options.diskId, fresh.number);
    this.#head = this.#encodeHead(fresh.number);
    this.#offset = this.#head.byteLength;
    this.#options.onSegment(fresh);
  }

  async #writeIdleMark(): Promise<void> {
    this.#markDue = false;
    // In the last block too: then it is the mark of the rotation as well.
    if (!this.#marked) await this.#writeMark();
  }

  async #writeMark(): Promise<void> {
    const layout = new GroupLayout(this.#offset);
    layout.add(markHeader(this.#state, this.#ticket), NO_PAYLOAD);
    await this.#write(layout, 0);
    this.#marked = true;
  }

  /** An error of the sync is final: what it covers is unknown, and a second sync might pass over it. */
  async #write(layout: GroupLayout, frames: number): Promise<void> {
    const { clock, supply, onSync } = this.#options;
    const { file } = this.#segment;
    const group = layout.compose(this.#seed, this.#scratch);
    const bytes = this.#head === undefined ? group : concatBytes(this.#head, group);
    const position = this.#head === undefined ? this.#offset : 0;
    const startedAt = clock.now();
    for (let written = false; !written; ) {
      try {
        await file.write(position, bytes);
        written = true;
      } catch (error) {
        // A write that found no room may be torn. The same bytes go to the same place again: nothing is lost.
        if (!isDiskError(error, 'ENOSPC')) throw error;
        await supply.makeRoom(bytes.byteLength);
      }
    }
    await file.sync();
    this.#head = undefined;
    this.#offset = layout.end;
    this.#synced = this.#ticket;
    this.#syncs++;
    this.#usedBytes += bytes.byteLength;
    this.#frames += frames;
    onSync?.(clock.now() - startedAt, bytes.byteLength, frames);
  }

  #markWhenIdle(): void {
    if (this.#failed || this.#closing || this.#marked || this.#head !== undefined) return;
    this.#markTimer?.cancel();
    this.#markTimer = this.#options.clock.setTimer(
      IDLE_MS,
      () => {
        this.#markDue = true;
        this.#start();
      },
      { background: true },
    );
  }

  #encodeHead(segment: number): Uint8Array {
    const firstTicket = (this.#ticket + 1) as Ticket;
    return encodeSegmentHead({ disk: this.#options.diskId, segment, firstTicket, state: this.#state });
  }
}

function sizeOf(frame: QueuedFrame): { kind: QueuedFrame['order']['record']['kind']; payloadBytes: number } {
  return { kind: frame.order.record.kind, payloadBytes: frame.payload.byteLength };
}
