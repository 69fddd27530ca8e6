import { crc32 } from 'node:zlib';
import type { DiskFile } from '@holdfast/types';

/** As small beside the small memory tables of a simulation as LevelDB's 32 KiB are beside its own. */
const BLOCK_BYTES = 512;
const HEADER_BYTES = 7;

/** A record that crosses a block is cut into fragments. */
const FRAGMENT = { full: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * Appends records in LevelDB's log format (doc/log_format.md): fragments of `crc32, length, type, bytes` that
 * never cross a block, so that a reader which meets damage finds its way again at the next block.
 */
export class BlockLog {
  readonly #file: DiskFile;
  #end = 0;

  /** The file is empty. */
  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Resolves when it is written, which is not yet on stable storage. */
  async append(record: Uint8Array): Promise<void> {
    const bytes = framed(record, this.#end);
    const position = this.#end;
    this.#end += bytes.length;
    await this.#file.write(position, bytes);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * The whole records of a log. Damage is passed over without a word, as LevelDB does unless it is told to be
 * paranoid: the rest of its block is left out, and what stands in later blocks is taken (fault 44).
 */
export function* readBlockLog(bytes: Uint8Array): Generator<Uint8Array> {
  let pieces: Uint8Array[] | undefined;
  for (const fragment of fragmentsOf(bytes)) {
    if (fragment === undefined) {
      pieces = undefined;
      continue;
    }
    const { type, payload } = fragment;
    if (type === FRAGMENT.full || type === FRAGMENT.first) pieces = [payload];
    else pieces?.push(payload);
    if (type === FRAGMENT.first || type === FRAGMENT.middle || pieces === undefined) continue;
    yield Buffer.concat(pieces);
    pieces = undefined;
  }
}

/**
 * Whether what stands there is no record, and not just nothing: LevelDB refuses a manifest in which it finds that. A sector
 * holds each fragment whole, so a torn write leaves none of it behind.
 */
export function isDamaged(bytes: Uint8Array): boolean {
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, bytes.length);
    for (let position = block; position + HEADER_BYTES <= end; ) {
      const fragment = fragmentAt(bytes.subarray(position, end));
      if (fragment === undefined) {
        if (bytes.subarray(position, end).some((byte) => byte !== 0)) return true;
        break;
      }
      position += HEADER_BYTES + fragment.payload.length;
    }
  }
  return false;
}

interface Fragment {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Undefined: something is missing here. */
function* fragmentsOf(bytes: Uint8Array): Generator<Fragment | undefined> {
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, bytes.length);
    for (let position = block; position + HEADER_BYTES <= end; ) {
      const fragment = fragmentAt(bytes.subarray(position, end));
      yield fragment;
      if (fragment === undefined) break;
      position += HEADER_BYTES + fragment.payload.length;
    }
  }
}

function fragmentAt(bytes: Uint8Array): Fragment | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEADER_BYTES + view.getUint16(4);
  const type = view.getUint8(6);
  if (type < FRAGMENT.full || type > FRAGMENT.last || end > bytes.length) return undefined;
  if (crc32(bytes.subarray(4, end)) !== view.getUint32(0)) return undefined;
  return { type, payload: bytes.subarray(HEADER_BYTES, end) };
}

/** The record as it stands in a log whose end is at `position`. */
function framed(record: Uint8Array, position: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = position;
  let taken = 0;
  do {
    let room = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (room < HEADER_BYTES) {
      parts.push(new Uint8Array(room));
      at += room;
      room = BLOCK_BYTES;
    }
    const length = Math.min(record.length - taken, room - HEADER_BYTES);
    const isFirst = taken === 0;
    const isLast = taken + length === record.length;
    parts.push(fragmentOf(record.subarray(taken, taken + length), typeOf(isFirst, isLast)));
    at += HEADER_BYTES + length;
    taken += length;
  } while (taken < record.length);
  return Buffer.concat(parts);
}

function fragmentOf(payload: Uint8Array, type: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, payload.length);
  view.setUint8(6, type);
  bytes.set(payload, HEADER_BYTES);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

function typeOf(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FRAGMENT.full : FRAGMENT.first;
  return isLast ? FRAGMENT.last : FRAGMENT.middle;
}
