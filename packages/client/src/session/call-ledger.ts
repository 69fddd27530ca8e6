import { HoldfastError, type Lane, TransientMap } from '@holdfast/types';
import type { Tally } from '../resilience/tally.ts';
import type { AnyCall, Call } from './call.ts';
import type { ClientLimits } from './client-limits.ts';
import { DeadlineWheel } from './deadline-wheel.ts';

/** What one kind of calls holds. */
interface LaneUse {
  calls: number;
  bytes: number;
  refused: number;
}

/** Every call that is not settled: found by id, watched by deadline, bounded in number and bytes, settled once. */
export class CallLedger {
  readonly #limits: ClientLimits;
  readonly #calls = new TransientMap<number, AnyCall>();
  readonly #wheel: DeadlineWheel<AnyCall>;
  readonly #tally: Tally;
  readonly #lanes: Readonly<Record<Lane, LaneUse>> = {
    writes: { calls: 0, bytes: 0, refused: 0 },
    reads: { calls: 0, bytes: 0, refused: 0 },
    scans: { calls: 0, bytes: 0, refused: 0 },
    watches: { calls: 0, bytes: 0, refused: 0 },
  };
  #settled: AnyCall[] = [];
  #bytes = 0;
  #newestWrite = 0;
  #lastId = 0;

  constructor(options: { limits: ClientLimits; tally: Tally; now: number }) {
    const { limits, tally, now } = options;
    this.#limits = limits;
    this.#tally = tally;
    this.#wheel = new DeadlineWheel(limits.tickMs, now);
  }

  get size(): number {
    return this.#calls.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Not settled, by kind; and how many were refused for want of room. */
  get lanes(): Readonly<Record<Lane, Readonly<LaneUse>>> {
    return this.#lanes;
  }

  /** Place in the order of issue of the newest write. */
  get newestWrite(): number {
    return this.#newestWrite;
  }

  /** An id for a request that is no call: unique among calls, too. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** False if there is no room: the call is then settled already. */
  admit(call: AnyCall): boolean {
    call.id = this.nextId();
    this.#tally.calls += 1;
    call.order = this.#tally.calls;
    const lane = this.#lanes[call.lane];
    const { callsMax, bytesMax } = this.#limits.lanes[call.lane];
    // A single one may be longer than the share of its lane, but not than all that may wait.
    const bytesLeft = lane.calls === 0 ? this.#limits.pendingBytesMax : bytesMax - lane.bytes;
    if (lane.calls >= callsMax || call.bytes > bytesLeft) {
      lane.refused += 1;
      call.fail(
        new HoldfastError(
          'HOLDFAST_CLIENT_QUEUE_FULL',
          `more than ${callsMax} ${call.lane} or ${bytesMax} bytes of them wait for an answer`,
        ),
      );
      this.#tally.failed += 1;
      this.#settled.push(call);
      return false;
    }
    if (call.kind === 'write') this.#newestWrite = call.order;
    this.#calls.set(call.id, call);
    this.#bytes += call.bytes;
    lane.calls += 1;
    lane.bytes += call.bytes;
    this.#wheel.add(call);
    return true;
  }

  /** A new id for a call that is sent again: an answer to the attempt before must not be taken for one to this. */
  renew(call: AnyCall): void {
    this.#calls.delete(call.id);
    call.id = this.nextId();
    this.#calls.set(call.id, call);
  }

  find(id: number): AnyCall | undefined {
    return this.#calls.get(id);
  }

  /** Those pending the longest are asked first. */
  some(test: (call: AnyCall) => boolean): boolean {
    for (const call of this.#calls.values()) if (test(call)) return true;
    return false;
  }

  filter(test: (call: AnyCall) => boolean): AnyCall[] {
    return [...this.#calls.values()].filter(test);
  }

  forEach(visit: (call: AnyCall) => void): void {
    for (const call of this.#calls.values()) visit(call);
  }

  succeed<Result>(call: AnyCall & Call<Result>, result: Result): void {
    call.succeed(result);
    this.#tally.succeeded += 1;
    this.#close(call);
  }

  fail(call: AnyCall, error: HoldfastError): void {
    call.fail(error);
    this.#tally.failed += 1;
    this.#close(call);
  }

  /** Calls whose deadline has passed, at most a tick late; still to be failed by the caller. */
  expire(now: number): AnyCall[] {
    return this.#wheel.expire(now);
  }

  /** Calls settled since the last time, in that order. */
  takeSettled(): AnyCall[] {
    const settled = this.#settled;
    if (settled.length > 0) this.#settled = [];
    return settled;
  }

  #close(call: AnyCall): void {
    this.#calls.delete(call.id);
    this.#bytes -= call.bytes;
    const lane = this.#lanes[call.lane];
    lane.calls -= 1;
    lane.bytes -= call.bytes;
    this.#wheel.remove(call);
    this.#settled.push(call);
  }
}
