import { crc32 } from 'node:zlib';
import { type Disk, DiskError, type DiskFile, isDiskError } from '@holdfast/types';
import { readWithLostBlocks } from './lost-blocks.ts';

/**
 * Frame: `magic (4), payload length (4), synced (8), checksum (4)`, payload; big-endian. `synced`: how
 * much of the file was on stable storage when the frame was written. The checksum covers the rest and
 * the frame's place in the file, so that bytes which were a frame elsewhere are none here.
 */
const MAGIC = 0x48_46_44_56;
const MAGIC_BYTES = Uint8Array.of(0x48, 0x46, 0x44, 0x56);
const HEAD_BYTES = 20;
const CHECKSUM_AT = 16;
const PAYLOAD_BYTES_MAX = 67_108_864;
const WINDOW_BYTES = 1_048_576;

/** Where a payload lies. */
export interface FramePlace {
  readonly position: number;
  readonly length: number;
}

/** Bytes of the file, `from` up to but not including `to`. */
export interface ByteSpan {
  readonly from: number;
  readonly to: number;
}

/**
 * An append-only file of checksummed payloads. Each `append` is one write and one sync.
 * What is no frame at or above the highest `synced` of any frame was never promised: a torn tail,
 * cut off when the file is opened. Below it is damage: told, kept, and stepped over. (Damage to the
 * last group before another follows cannot be told from a torn tail: a stated limit.) Where the disk
 * fails to read nobody knows what lies there, and it may read it the next time: that is never cut off.
 * What no frame calls synced is written again before it counts: it may be there in memory alone, after a
 * failed sync, and a later one would pass over it.
 */
export class FrameLog {
  readonly #file: DiskFile;
  /** Everything before it is on stable storage. */
  #end: number;
  #failure: unknown;
  /** Parts of the file that were lost to damage. */
  readonly damage: readonly ByteSpan[];

  private constructor(file: DiskFile, end: number, damage: readonly ByteSpan[]) {
    this.#file = file;
    this.#end = end;
    this.damage = damage;
  }

  /** Opens or makes the file, and gives every payload it holds, oldest first. */
  static async open(
    options: { readonly disk: Disk; readonly path: string; readonly directory: string },
    onPayload: (payload: Uint8Array, place: FramePlace) => void,
  ): Promise<FrameLog> {
    const file = await options.disk.open(options.path, { create: true });
    try {
      const { end, damage } = await recover(file, onPayload);
      // Cut before anything is appended: what stands behind the new frames must not be taken for frames.
      if ((await file.size()) > end) await file.truncate(end);
      await file.sync();
      await options.disk.syncDirectory(options.directory);
      return new FrameLog(file, end, damage);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * On stable storage once it resolves. Calls must not overlap. A failed write leaves the log as it was
   * and may be tried again; after a failed sync nobody knows what is on the disk: every later call fails.
   */
  async append(payloads: readonly Uint8Array[]): Promise<FramePlace[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const places: FramePlace[] = [];
    const frames: Uint8Array[] = [];
    let position = this.#end;
    for (const payload of payloads) {
      frames.push(frameOf(payload, { position, synced: this.#end }));
      places.push({ position: position + HEAD_BYTES, length: payload.byteLength });
      position += HEAD_BYTES + payload.byteLength;
    }
    try {
      await this.#file.write(this.#end, Buffer.concat(frames));
    } catch (error) {
      // A leftover that cannot be cut off now is written over by the next append, or cut off at the next start.
      await this.#file.truncate(this.#end).catch(() => undefined);
      throw error;
    }
    try {
      await this.#file.sync();
    } catch (error) {
      this.#failure = asFinal(error);
      throw this.#failure;
    }
    this.#end = position;
    return places;
  }

  /** Length of the file. */
  get bytes(): number {
    return this.#end;
  }

  /** Undefined if it is no longer what was written. */
  async read(place: FramePlace): Promise<Uint8Array | undefined> {
    const position = place.position - HEAD_BYTES;
    const frame = await readWithLostBlocks(this.#file, position, HEAD_BYTES + place.length);
    return payloadOf(frame, position);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A disk that only finds out when it syncs that it is full is no better off for that than with any other failure. */
function asFinal(error: unknown): unknown {
  if (!isDiskError(error, 'ENOSPC')) return error;
  return new DiskError('OTHER', error.path, `a sync failed: ${error.message}`, { cause: error });
}

/** What a payload takes in the file. */
export function frameBytes(payloadBytes: number): number {
  return HEAD_BYTES + payloadBytes;
}

interface FoundFrame {
  readonly position: number;
  readonly payload: Uint8Array;
  readonly synced: number;
}

/** Two passes: the first finds how far the file was promised, the second hands out what counts. */
async function recover(
  file: DiskFile,
  onPayload: (payload: Uint8Array, place: FramePlace) => void,
): Promise<{ end: number; damage: ByteSpan[] }> {
  const scan = new FrameScan(file, await file.size());
  let synced = 0;
  for await (const frame of scan.frames()) synced = Math.max(synced, frame.synced);
  const damage: ByteSpan[] = [];
  let end = 0;
  for await (const frame of scan.frames()) {
    if (frame.position > end) {
      if (end >= synced && scan.lostTo <= end) break;
      damage.push({ from: end, to: frame.position });
    }
    if (frame.position >= synced) await file.write(frame.position, frameOf(frame.payload, frame));
    onPayload(frame.payload, { position: frame.position + HEAD_BYTES, length: frame.payload.byteLength });
    end = frame.position + HEAD_BYTES + frame.payload.byteLength;
  }
  if (scan.lostTo <= end) return { end, damage };
  damage.push({ from: end, to: scan.size });
  return { end: scan.size, damage };
}

/** What can be read of a file, as often as it is gone through. */
class FrameScan {
  readonly size: number;
  readonly #file: DiskFile;
  /** Where the last block ends that the disk failed to read; 0: none. */
  lostTo = 0;

  constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Every readable frame, in order, whatever stands between them. */
  async *frames(): AsyncIterable<FoundFrame> {
    let position = 0;
    while (position + HEAD_BYTES <= this.size) {
      const frame = await this.#frameAt(position);
      if (frame !== undefined) {
        yield frame;
        position += HEAD_BYTES + frame.payload.byteLength;
        continue;
      }
      const next = await this.#nextMagic(position + 1);
      if (next === undefined) return;
      position = next;
    }
  }

  async #frameAt(position: number): Promise<FoundFrame | undefined> {
    const head = await this.#read(position, HEAD_BYTES);
    if (head.byteLength < HEAD_BYTES || head.readUInt32BE(0) !== MAGIC) return undefined;
    const length = head.readUInt32BE(4);
    if (length > PAYLOAD_BYTES_MAX || position + HEAD_BYTES + length > this.size) return undefined;
    const payload = payloadOf(await this.#read(position, HEAD_BYTES + length), position);
    if (payload === undefined) return undefined;
    return { position, payload, synced: Number(head.readBigUInt64BE(8)) };
  }

  async #nextMagic(from: number): Promise<number | undefined> {
    for (let position = from; position + HEAD_BYTES <= this.size; position += WINDOW_BYTES) {
      // A few bytes more: the magic may stand across the end of a window.
      const window = await this.#read(position, WINDOW_BYTES + MAGIC_BYTES.byteLength - 1);
      const found = window.indexOf(MAGIC_BYTES);
      if (found >= 0) return position + found;
    }
    return undefined;
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const bytes = await readWithLostBlocks(this.#file, position, length, (to) => {
      this.lostTo = Math.max(this.lostTo, to);
    });
    return bufferOf(bytes);
  }
}

function frameOf(
  payload: Uint8Array,
  at: { readonly position: number; readonly synced: number },
): Uint8Array {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + payload.byteLength);
  frame.writeUInt32BE(MAGIC, 0);
  frame.writeUInt32BE(payload.byteLength, 4);
  frame.writeBigUInt64BE(BigInt(at.synced), 8);
  frame.set(payload, HEAD_BYTES);
  frame.writeUInt32BE(checksumOf(frame, at.position), CHECKSUM_AT);
  return frame;
}

/** The payload of a frame whose checksum holds at this position. */
function payloadOf(bytes: Uint8Array, position: number): Uint8Array | undefined {
  const frame = bufferOf(bytes);
  if (frame.byteLength < HEAD_BYTES || frame.readUInt32BE(CHECKSUM_AT) !== checksumOf(frame, position))
    return undefined;
  return frame.subarray(HEAD_BYTES);
}

function checksumOf(frame: Buffer, position: number): number {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(position));
  return crc32(frame.subarray(HEAD_BYTES), crc32(frame.subarray(0, CHECKSUM_AT), crc32(place)));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
