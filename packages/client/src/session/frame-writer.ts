import type { ClientMessage, ReadRequest, RequestTrace, SessionId, WriteRequest } from '@holdfast/types';
import type { AnyCall, LinkId, ReadCall, Repeat, WriteCall } from './call.ts';
import type { ClientLimits } from './client-limits.ts';

/** What goes to one node as one WebSocket message. */
export interface ClientFrame {
  readonly link: LinkId;
  readonly messages: readonly ClientMessage[];
}

/** A call that was sent once more. */
export interface Resent {
  readonly call: AnyCall;
  readonly repeat: Repeat;
  readonly link: LinkId;
}

/** Room on the wire for one request beyond its keys and values. */
const REQUEST_OVERHEAD_BYTES = 64;
/** And for where it belongs in a trace. */
const TRACE_BYTES = 64;

class FrameInMaking {
  readonly messages: ClientMessage[] = [];
  bytes = 0;
  requests = 0;
  session: SessionId | undefined = undefined;
  writes: WriteRequest[] = [];
  reads: ReadRequest[] | undefined = undefined;
  traces: RequestTrace[] | undefined = undefined;
}

/** Gathers the requests of one turn into as few frames as the limits allow: one per link, as a rule. */
export class FrameWriter {
  readonly #limits: ClientLimits;
  readonly #open = new Map<LinkId, FrameInMaking>();
  #done: ClientFrame[] = [];
  #resent: Resent[] = [];

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  addWrite(link: LinkId, under: { session: SessionId; floor: number }, call: WriteCall): void {
    const frame = this.#frameFor(call, link, call.bytes);
    if (frame.session !== under.session) {
      frame.session = under.session;
      frame.writes = [];
      frame.messages.push({
        kind: 'write',
        session: under.session,
        floor: under.floor,
        requests: frame.writes,
      });
    }
    frame.writes.push(call);
  }

  addRead(link: LinkId, call: ReadCall): void {
    const frame = this.#frameFor(call, link, call.bytes);
    if (frame.reads === undefined) {
      frame.reads = [];
      frame.messages.push({ kind: 'read', reads: frame.reads });
    }
    frame.reads.push(call);
  }

  /** The request of a call that is neither a write nor a read of keys. */
  addRequest(link: LinkId, call: AnyCall, message: ClientMessage, bytes: number): void {
    this.#frameFor(call, link, bytes).messages.push(message);
  }

  /** What belongs to no call. */
  add(link: LinkId, message: ClientMessage, bytes: number): void {
    this.#frameWithRoom(link, bytes, 1).messages.push(message);
  }

  /** Repeats among what was added since this was asked last. */
  takeResent(): readonly Resent[] {
    const resent = this.#resent;
    if (resent.length > 0) this.#resent = [];
    return resent;
  }

  take(): ClientFrame[] {
    if (this.#open.size > 0) {
      for (const [link, frame] of this.#open) {
        this.#done.push({ link, messages: frame.messages });
        this.#open.delete(link);
      }
    }
    const done = this.#done;
    if (done.length > 0) this.#done = [];
    return done;
  }

  #frameFor(call: AnyCall, link: LinkId, bytes: number): FrameInMaking {
    const repeat = call.attempts > 1 ? repeatOf(call, link) : undefined;
    if (repeat !== undefined) this.#resent.push({ call, repeat, link });
    const { trace } = call;
    if (trace === undefined) return this.#frameWithRoom(link, bytes, 1);
    trace.sent(link, repeat);
    const { traceparent } = trace;
    if (traceparent === undefined) return this.#frameWithRoom(link, bytes, 1);
    const frame = this.#frameWithRoom(link, bytes + TRACE_BYTES, 2);
    if (frame.traces === undefined) {
      frame.traces = [];
      frame.messages.unshift({ kind: 'trace', traces: frame.traces });
    }
    frame.traces.push({ id: call.id, traceparent });
    return frame;
  }

  /** `requests`: as they count against the limit of a frame; that of the traces in it counts with each. */
  #frameWithRoom(link: LinkId, payloadBytes: number, requests: number): FrameInMaking {
    const bytes = payloadBytes + REQUEST_OVERHEAD_BYTES;
    let frame = this.#open.get(link);
    if (
      frame !== undefined &&
      (frame.bytes + bytes > this.#limits.frameBytesTarget ||
        frame.requests + requests > this.#limits.requestsPerFrameMax)
    ) {
      this.#done.push({ link, messages: frame.messages });
      frame = undefined;
    }
    if (frame === undefined) {
      frame = new FrameInMaking();
      this.#open.set(link, frame);
    }
    frame.bytes += bytes;
    frame.requests += requests;
    return frame;
  }
}

function repeatOf(call: AnyCall, link: LinkId): Repeat {
  if (call.kind === 'read' && call.hedgeLink === link) return 'hedge';
  return call.isCharged ? 'retry' : 'redelivery';
}
