import type { Ticket } from '@holdfast/types';
import { alignUp, BLOCK_BYTES, FRAME_ALIGNMENT } from './bytes.ts';
import { FRAME_HEADER_BYTES, type FrameHeader, type FrameKind, writeFrameHeader } from './frame.ts';
import { type LogState, stateDigest } from './log-state.ts';
import { NO_PAYLOAD, type RecordPayload } from './record-payload.ts';

/** Frames on their way into one write. */
interface LaidFrame {
  readonly header: FrameHeader;
  readonly payload: Pick<RecordPayload, 'parts' | 'byteLength'>;
  /** In the segment. */
  readonly offset: number;
}

/** Records that come once in a while and are in no other frame are written twice, on blocks of their own. */
function isDoubled(kind: FrameKind): boolean {
  return kind === 'genesis' || kind === 'exclusion' || kind === 'base';
}

/** Lays frames into one write of whole blocks. */
export class GroupLayout {
  readonly #start: number;
  readonly #frames: LaidFrame[] = [];
  #end: number;

  /** `start`: offset in the segment, at a block boundary. */
  constructor(start: number) {
    this.#start = start;
    this.#end = start;
  }

  /** Where the group ends, at a block boundary. */
  get end(): number {
    return alignUp(this.#end, BLOCK_BYTES);
  }

  /** Where the group would end with this frame in it. */
  endWith(frame: { readonly kind: FrameKind; readonly payloadBytes: number }): number {
    const bytes = FRAME_HEADER_BYTES + frame.payloadBytes;
    const once = alignUp(this.#end, FRAME_ALIGNMENT) + bytes;
    return alignUp(isDoubled(frame.kind) ? alignUp(once, BLOCK_BYTES) + bytes : once, BLOCK_BYTES);
  }

  /** Returns the offset of the payload in the segment. */
  add(header: FrameHeader, payload: Pick<RecordPayload, 'parts' | 'byteLength'>): number {
    const offset = this.#place(header, payload, FRAME_ALIGNMENT);
    if (isDoubled(header.kind)) this.#place(header, payload, BLOCK_BYTES);
    return offset + FRAME_HEADER_BYTES;
  }

  /** The bytes of the write, in `target` if it is large enough. */
  compose(seed: number, target: Uint8Array = new Uint8Array(0)): Uint8Array {
    const length = this.end - this.#start;
    const bytes = target.byteLength >= length ? target.subarray(0, length) : new Uint8Array(length);
    bytes.fill(0);
    for (const { header, payload, offset } of this.#frames) {
      let at = offset - this.#start;
      writeFrameHeader(bytes, at, header, { seed, place: offset });
      at += FRAME_HEADER_BYTES;
      for (const part of payload.parts) {
        bytes.set(part, at);
        at += part.byteLength;
      }
    }
    return bytes;
  }

  #place(header: FrameHeader, payload: LaidFrame['payload'], alignment: number): number {
    const offset = alignUp(this.#end, alignment);
    this.#frames.push({ header, payload, offset });
    this.#end = offset + FRAME_HEADER_BYTES + payload.byteLength;
    return offset;
  }
}

/** A frame without a record: everything up to `ticket` is synced. */
export function markHeader(state: LogState, ticket: Ticket): FrameHeader {
  return frameHeader('mark', NO_PAYLOAD, state, { ticket, synced: ticket });
}

/** `state`: with the frame's record in it. */
export function frameHeader(
  kind: FrameKind,
  payload: Pick<RecordPayload, 'byteLength' | 'checksum'>,
  state: LogState,
  tickets: { readonly ticket: Ticket; readonly synced: Ticket; readonly digest?: number },
): FrameHeader {
  return {
    kind,
    ticket: tickets.ticket,
    synced: tickets.synced,
    hardState: state.hardState,
    commitFloor: state.commitFloor,
    last: state.last,
    exclusion: state.exclusion,
    stateDigest: tickets.digest ?? stateDigest(state),
    payloadBytes: payload.byteLength,
    payloadChecksum: payload.checksum,
  };
}
