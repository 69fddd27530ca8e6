import type { SessionId } from '@holdfast/types';
import type { ProposedWrite } from '../api.ts';
import { Fifo } from '../kernel/fifo.ts';
import { requestBytes } from './pending-write.ts';

/** Requests that came together, of one session. */
export interface WriteFrame {
  readonly connection: number;
  readonly session: SessionId;
  readonly floor: number;
  readonly requests: readonly ProposedWrite[];
}

export interface EarlyLimits {
  readonly admitQueueRequestsMax: number;
  readonly admitQueueBytesMax: number;
}

/** A request whose time has passed, and who asked it. */
export interface LateRequest {
  readonly connection: number;
  readonly id: number;
}

/** Frames that may not be admitted yet, in the order in which they came: as many, and as long, as the queue may be. */
export class EarlyFrames {
  readonly #frames = new Fifo<WriteFrame>();
  #requests = 0;
  #bytes = 0;

  get length(): number {
    return this.#frames.length;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: there is no room for it. */
  add(frame: WriteFrame, { admitQueueRequestsMax, admitQueueBytesMax }: EarlyLimits): boolean {
    const requests = this.#requests + frame.requests.length;
    const bytes = this.#bytes + frameBytes(frame);
    if (requests > admitQueueRequestsMax || bytes > admitQueueBytesMax) return false;
    this.#requests = requests;
    this.#bytes = bytes;
    this.#frames.push(frame);
    return true;
  }

  shift(): WriteFrame | undefined {
    const frame = this.#frames.shift();
    if (frame === undefined) return undefined;
    this.#requests -= frame.requests.length;
    this.#bytes -= frameBytes(frame);
    return frame;
  }

  /** All of them, oldest first; none is left. */
  drain(): WriteFrame[] {
    this.#requests = 0;
    this.#bytes = 0;
    return this.#frames.drain();
  }

  /** Takes out the requests whose deadline has come. */
  expire(now: number): LateRequest[] {
    const late: LateRequest[] = [];
    if (this.#frames.length === 0) return late;
    for (const frame of this.#frames.drain()) {
      const due = frame.requests.filter(({ deadline }) => deadline <= now);
      for (const request of due) {
        this.#requests -= 1;
        this.#bytes -= requestBytes(request);
        late.push({ connection: frame.connection, id: request.id });
      }
      const requests = due.length === 0 ? frame.requests : frame.requests.filter((one) => !due.includes(one));
      if (requests.length > 0) this.#frames.push({ ...frame, requests });
    }
    return late;
  }
}

function frameBytes({ requests }: WriteFrame): number {
  return requests.reduce((sum, request) => sum + requestBytes(request), 0);
}
