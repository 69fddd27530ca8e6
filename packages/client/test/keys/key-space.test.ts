import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyBounds } from '../../src/keys/key-bounds.ts';
import { type KeySpace, keySpaceOf } from '../../src/keys/key-space.ts';

const LONG = process.env.HOLDFAST_LONG === '1';
const RUNS = { numRuns: LONG ? 200_000 : 5000 };

/** Pieces that meet tags, lengths, separators and the ends of the alphabet. */
const piece = fc.constantFrom('\u0000', '\u0001', 'n', 'a', 'b', '!', '/', 'holdfast/', 'ÿ', 'þ', '😀', '￿');
const text = (max: number): fc.Arbitrary<string> =>
  fc.array(piece, { maxLength: max }).map((parts) => parts.join(''));
const name = text(4).filter((given) => given !== '');
/** Undefined: no namespace. */
const space = fc.option(name, { nil: undefined });
const byte = fc.constantFrom(0x00, 0x01, 0x02, 0x61, 0x6e, 0xfe, 0xff);
const key = fc.oneof(
  fc.array(byte, { maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  text(4).map((given) => Buffer.from(given)),
  // What another space makes of a key, or a tool.
  fc.tuple(space, text(2)).map(([namespace, given]) => stored({ namespace }, given)),
  text(2).map((given) => Buffer.from(`\u0000holdfast/${given}`)),
);
const bounds = fc.record({ gt: key, gte: key, lt: key, lte: key }, { requiredKeys: [] });

function stored(of: { namespace?: string | undefined }, given: string): Buffer {
  return Buffer.from(keySpaceOf(of).stored(Buffer.from(given)));
}

function isWithin(at: Uint8Array, { gt, gte, lt, lte }: KeyBounds): boolean {
  if (gte !== undefined ? Buffer.compare(at, gte) < 0 : gt !== undefined && Buffer.compare(at, gt) <= 0)
    return false;
  return lte !== undefined ? Buffer.compare(at, lte) <= 0 : lt === undefined || Buffer.compare(at, lt) < 0;
}

function spaceOf(namespace: string | undefined): KeySpace {
  return keySpaceOf({ namespace });
}

describe('a key space', () => {
  test('no key of one is seen through another, in points or ranges', () => {
    const property = fc.property(space, space, key, key, bounds, (mine, other, ofMine, ofOther, within) => {
      fc.pre(mine !== other);
      const theirs = spaceOf(other).stored(ofOther);
      expect(Buffer.compare(spaceOf(mine).stored(ofMine), theirs)).not.toBe(0);
      expect(isWithin(theirs, spaceOf(mine).range({}))).toBe(false);
      expect(isWithin(theirs, spaceOf(mine).range(within))).toBe(false);
    });
    fc.assert(property, RUNS);
  });

  test('none reaches what Holdfast keeps for itself', () => {
    const property = fc.property(space, key, bounds, key, (mine, ofMine, within, rest) => {
      const reserved = Buffer.concat([Buffer.from('\u0000holdfast/'), rest]);
      expect(Buffer.compare(spaceOf(mine).stored(ofMine), reserved)).not.toBe(0);
      expect(isWithin(reserved, spaceOf(mine).range(within))).toBe(false);
    });
    fc.assert(property, RUNS);
  });

  test('gives each key back, and keeps the order of keys and the meaning of bounds', () => {
    const property = fc.property(space, key, key, bounds, (mine, left, right, within) => {
      const keys = spaceOf(mine);
      expect(Buffer.compare(keys.own(keys.stored(left)), left)).toBe(0);
      expect(Math.sign(Buffer.compare(keys.stored(left), keys.stored(right)))).toBe(
        Math.sign(Buffer.compare(left, right)),
      );
      expect(isWithin(keys.stored(left), keys.range(within))).toBe(isWithin(left, within));
      expect(isWithin(keys.stored(left), keys.range({}))).toBe(true);
    });
    fc.assert(property, RUNS);
  });

  test('without a namespace an ordinary key is stored as it is, and not copied', () => {
    const ordinary = Buffer.from('user:1');
    expect(spaceOf(undefined).stored(ordinary)).toBe(ordinary);
    expect(spaceOf(undefined).own(ordinary)).toBe(ordinary);
  });

  test('stored keys are what the decision says', () => {
    expect(stored({}, '').toString('hex')).toBe('00fe');
    expect(stored({}, '\u0000a').toString('hex')).toBe('00ff61');
    expect(stored({ namespace: 'ab' }, 'k').toString('hex')).toBe('006e0261626b');
    expect(keySpaceOf({ rawKeys: true }).stored(Buffer.of(0x00)).length).toBe(1);
  });

  test.each([
    ['an empty name', { namespace: '' }],
    ['a name of 129 bytes', { namespace: `${'é'.repeat(64)}a` }],
    ['half a character', { namespace: '\ud800' }],
    ['no text', { namespace: 7 as never }],
    ['raw keys of a namespace', { namespace: 'a', rawKeys: true }],
  ])('%s is refused', (_, options) => {
    expect(() => keySpaceOf(options)).toThrow(expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }));
  });

  test('a name of 128 bytes is the longest', () => {
    expect(stored({ namespace: 'é'.repeat(64) }, '').length).toBe(3 + 128);
  });
});
