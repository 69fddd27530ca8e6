import type { ClientMessage, ReadRequest, SessionId, WriteRequest } from '@holdfast/types';
import type { LinkId } from './call.ts';
import type { ClientLimits } from './client-limits.ts';

/** What goes to one node as one WebSocket message. */
export interface ClientFrame {
  readonly link: LinkId;
  readonly messages: readonly ClientMessage[];
}

/** Room on the wire for one request beyond its keys and values. */
const REQUEST_OVERHEAD_BYTES = 64;

class FrameInMaking {
  readonly messages: ClientMessage[] = [];
  bytes = 0;
  requests = 0;
  session: SessionId | undefined = undefined;
  writes: WriteRequest[] = [];
  reads: ReadRequest[] | undefined = undefined;
}

/** Gathers the requests of one turn into as few frames as the limits allow: one per link, as a rule. */
export class FrameWriter {
  readonly #limits: ClientLimits;
  readonly #open = new Map<LinkId, FrameInMaking>();
  #done: ClientFrame[] = [];

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  addWrite(
    link: LinkId,
    under: { session: SessionId; floor: number },
    request: WriteRequest,
    bytes: number,
  ): void {
    const frame = this.#frameWithRoom(link, bytes);
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
    frame.writes.push(request);
  }

  addRead(link: LinkId, request: ReadRequest, bytes: number): void {
    const frame = this.#frameWithRoom(link, bytes);
    if (frame.reads === undefined) {
      frame.reads = [];
      frame.messages.push({ kind: 'read', reads: frame.reads });
    }
    frame.reads.push(request);
  }

  add(link: LinkId, message: ClientMessage, bytes: number): void {
    this.#frameWithRoom(link, bytes).messages.push(message);
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

  #frameWithRoom(link: LinkId, payloadBytes: number): FrameInMaking {
    const bytes = payloadBytes + REQUEST_OVERHEAD_BYTES;
    let frame = this.#open.get(link);
    if (
      frame !== undefined &&
      (frame.bytes + bytes > this.#limits.frameBytesTarget ||
        frame.requests >= this.#limits.requestsPerFrameMax)
    ) {
      this.#done.push({ link, messages: frame.messages });
      frame = undefined;
    }
    if (frame === undefined) {
      frame = new FrameInMaking();
      this.#open.set(link, frame);
    }
    frame.bytes += bytes;
    frame.requests += 1;
    return frame;
  }
}
