import { invalid } from './invalid.ts';

/** No message nests deeper; the deepest are the operations of a request of a write of a client frame. */
const DEPTH_MAX = 8;

/** Bytes that follow the head of each MessagePack type from 0xc0 to 0xdf, or why it is not for us. */
const REFUSED = -1;
const LENGTH_8 = -2;
const LENGTH_16 = -3;
const LENGTH_32 = -4;
const ARRAY_16 = -5;
const ARRAY_32 = -6;

const FOLLOWING_C0_DF: Int8Array = Int8Array.from([
  // c0 nil, c1 never used, c2 false, c3 true, c4–c6 bin
  0,
  REFUSED,
  0,
  0,
  LENGTH_8,
  LENGTH_16,
  LENGTH_32,
  // c7–c9 ext, ca float32, cb float64
  REFUSED,
  REFUSED,
  REFUSED,
  4,
  8,
  // cc–cf unsigned, d0–d3 signed
  1,
  2,
  4,
  8,
  1,
  2,
  4,
  8,
  // d4–d8 fixext
  REFUSED,
  REFUSED,
  REFUSED,
  REFUSED,
  REFUSED,
  // d9–db str, dc–dd array, de–df map
  LENGTH_8,
  LENGTH_16,
  LENGTH_32,
  ARRAY_16,
  ARRAY_32,
  REFUSED,
  REFUSED,
]);

/**
 * Walks over a message before it is decoded, allocating nothing: exactly one array, made of arrays, numbers,
 * booleans, nil, text and byte strings only, every declared length present, nested at most DEPTH_MAX deep.
 * So the general decoder never meets maps, extensions or record definitions (which build functions), cannot be
 * made to reserve memory for lengths that are not there, and cannot be made to recurse without bound.
 */
export function checkStructure(bytes: Uint8Array): void {
  const end = bytes.length;
  /** Elements still to come of the array at each depth. */
  const open = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  let depth = 0;
  let position = 0;
  open[0] = 1;
  while (true) {
    while (open[depth] === 0) {
      if (depth === 0) {
        if (position !== end) throw invalid('frame', `${end - position} bytes follow the message`);
        return;
      }
      depth -= 1;
    }
    open[depth]! -= 1;
    if (position >= end) throw truncated();
    const token = bytes[position]!;
    position += 1;
    let elements = REFUSED;
    if (token < 0x80 || token >= 0xe0) {
      // A small integer: the token is all of it.
    } else if (token < 0x90) {
      throw refused(token);
    } else if (token < 0xa0) {
      elements = token - 0x90;
    } else if (token < 0xc0) {
      position += token - 0xa0;
    } else {
      const following = FOLLOWING_C0_DF[token - 0xc0]!;
      if (following >= 0) {
        position += following;
      } else if (following === REFUSED) {
        throw refused(token);
      } else {
        const width = following === LENGTH_8 ? 1 : following === LENGTH_16 || following === ARRAY_16 ? 2 : 4;
        if (position + width > end) throw truncated();
        let length = 0;
        for (let index = 0; index < width; index += 1) length = length * 256 + bytes[position + index]!;
        position += width;
        if (following <= ARRAY_16) elements = length;
        else position += length;
      }
    }
    if (position > end) throw truncated();
    if (elements >= 0) {
      // Each element takes a byte at least.
      if (elements > end - position) throw truncated();
      depth += 1;
      if (depth > DEPTH_MAX) throw invalid('frame', `nested more than ${DEPTH_MAX} deep`);
      open[depth] = elements;
    } else if (depth === 0) {
      throw invalid('frame', 'not an array');
    }
  }
}

function truncated(): Error {
  return invalid('frame', 'ends before what it declares');
}

function refused(token: number): Error {
  return invalid('frame', `holds a value of a type that is not used here (0x${token.toString(16)})`);
}
