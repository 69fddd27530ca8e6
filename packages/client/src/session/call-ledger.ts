import { HoldfastError, TransientMap } from '@holdfast/types';
import type { Tally } from '../resilience/tally.ts';
import type { AnyCall, Call } from './call.ts';
import type { ClientLimits } from './client-limits.ts';
import { DeadlineWheel } from './deadline-wheel.ts';

/** Every call that is not settled: found by id, watched by deadline, bounded in number and bytes, settled once. */
export class CallLedger {
  readonly #limits: ClientLimits;
  readonly #calls = new TransientMap<number, AnyCall>();
  readonly #wheel: DeadlineWheel<AnyCall>;
  readonly #tally: Tally;
  #settled: AnyCall[] = [];
  #bytes = 0;
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
    const { pendingCallsMax, pendingBytesMax } = this.#limits;
    if (this.#calls.size >= pendingCallsMax || this.#bytes + call.bytes > pendingBytesMax) {
      call.fail(
        new HoldfastError(
          'HOLDFAST_CLIENT_QUEUE_FULL',
          `more than ${pendingCallsMax} calls or ${pendingBytesMax} bytes wait for an answer`,
        ),
      );
      this.#tally.failed += 1;
      this.#settled.push(call);
      return false;
    }
    this.#calls.set(call.id, call);
    this.#bytes += call.bytes;
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
    this.#wheel.remove(call);
    this.#settled.push(call);
  }
}
