import { Packr, Unpackr } from 'msgpackr';
import { invalid } from './invalid.ts';
import { checkStructure } from './structure.ts';

const OPTIONS = { useRecords: false, moreTypes: false, int64AsType: 'number' } as const;
const packr = new Packr(OPTIONS);
const unpackr = new Unpackr(OPTIONS);

/** What messages are made of on the wire: never objects, never undefined. */
export type Packable = number | string | boolean | null | Uint8Array | readonly Packable[];

/**
 * Into memory of its own, exactly as long as the message: the packer writes into buffers several times as long, and
 * one small frame waiting in a socket would keep all of such a buffer alive.
 */
export function pack(message: readonly Packable[]): Uint8Array {
  return Buffer.from(packShared(message));
}

/** A view into a buffer of the packer: to be copied and forgotten. */
export function packShared(message: readonly Packable[]): Uint8Array {
  return packr.pack(message);
}

/**
 * The array that `bytes` hold. Byte strings in it are views into `bytes`, which must not be changed as long as
 * one of them is used, and stay in memory that long.
 */
export function unpack(bytes: Uint8Array): readonly unknown[] {
  checkStructure(bytes);
  try {
    // A view of our own: the decoder leaves a property on what it is given, and views of a Buffer are made faster.
    return unpackr.unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as unknown[];
  } catch (cause) {
    throw invalid(
      'frame',
      `not decodable (${cause instanceof Error ? cause.message.slice(0, 100) : 'unknown'})`,
    );
  }
}
