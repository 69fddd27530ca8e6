import type { Random } from '@holdfast/types';

/**
 * Seeded generator: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021), its state filled by splitmix32. The same seed gives the same sequence on every machine.
 */
export class SimRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Any number; all 53 bits of a safe integer count. */
  constructor(seed: number) {
    let state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)) >>> 0;
    const splitmix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) | 0;
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    this.#d = splitmix();
  }

  next(): number {
    const high = this.#next32() >>> 5;
    const low = this.#next32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  bytes(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let position = 0; position < length; position += 4) {
      const word = this.#next32();
      for (let byte = 0; byte < 4 && position + byte < length; byte++)
        result[position + byte] = (word >>> (8 * byte)) & 0xff;
    }
    return result;
  }

  /** A generator of its own, so that one part drawing more does not change what the others draw. */
  fork(): SimRandom {
    return new SimRandom((this.#next32() >>> 0) * 2 ** 21 + (this.#next32() >>> 11));
  }

  /**
   * A generator for the part of that name, whatever others there are and whatever is drawn elsewhere. Of one that has
   * drawn already it depends on that.
   */
  named(name: string): SimRandom {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return new SimRandom(((this.#a ^ hash) >>> 0) * 2 ** 21 + ((this.#b ^ hash) >>> 11));
  }

  /**
   * A curve over time in [0, 1), whose value at one moment depends on nothing that was drawn before: between knots that
   * lie `knotMs` apart it goes in straight lines. Whatever asks it a little later is told about the same. `shaped`: what
   * becomes of it at the knots.
   */
  curve(knotMs: number, shaped: (share: number) => number = (share) => share): (atMs: number) => number {
    const [seed, salt] = [this.#next32(), this.#next32()];
    const knot = (place: number): number =>
      shaped(mixed(seed ^ Math.imul(place, 0x9e3779b1), salt) / 2 ** 32);
    return (atMs) => {
      const place = Math.floor(atMs / knotMs);
      const share = atMs / knotMs - place;
      return knot(place) * (1 - share) + knot(place + 1) * share;
    };
  }

  #next32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }
}

/** Every bit of it depends on every bit of both: the finalizer of MurmurHash3. */
function mixed(one: number, other: number): number {
  let hash = one ^ other;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ other, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
