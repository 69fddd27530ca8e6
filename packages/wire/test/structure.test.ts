import { HoldfastError } from '@holdfast/types';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { checkStructure } from '../src/structure.ts';
import { runs } from './arbitraries.ts';

function verdict(hex: string | Uint8Array): string {
  try {
    checkStructure(typeof hex === 'string' ? Buffer.from(hex.replaceAll(' ', ''), 'hex') : hex);
    return 'accepted';
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HOLDFAST_INVALID_MESSAGE') return error.message;
    throw error;
  }
}

const TRUNCATED = 'frame: ends before what it declares';

test.each([
  ['an empty array', '90', 'accepted'],
  ['every type that is used', '9d 00 7f e0 c0 c2 c3 cc05 cd0005 ce00000005 d0ff a161 c40101 90', 'accepted'],
  [
    'wide types',
    '97 ca00000000 cb0000000000000000 cf0000000000000001 d3ffffffffffffffff d90161 da000161 db0000000161',
    'accepted',
  ],
  ['wide arrays and byte strings', '94 dc000100 dd0000000100 c5000101 c60000000101', 'accepted'],
  ['eight levels', '9191919191919191', TRUNCATED],
  ['eight levels, closed', '9191919191919190', 'accepted'],
  ['nine levels', '919191919191919190', 'frame: nested more than 8 deep'],
  ['nothing', '', TRUNCATED],
  ['a number', '05', 'frame: not an array'],
  ['a byte string', 'c40100', 'frame: not an array'],
  ['two arrays', '9090', 'frame: 1 bytes follow the message'],
  ['an array that is not whole', '9200', TRUNCATED],
  ['a length that is not whole', '91dd0000', TRUNCATED],
  ['a number that is not whole', '91cd00', TRUNCATED],
  ['a text that is not whole', '91a261', TRUNCATED],
  ['a byte string that is not whole', '91c4020000'.slice(0, 8), TRUNCATED],
  ['a map', '9180', 'frame: holds a value of a type that is not used here (0x80)'],
  ['a map 16', '91de0000', 'frame: holds a value of a type that is not used here (0xde)'],
  ['a map 32', '91df00000000', 'frame: holds a value of a type that is not used here (0xdf)'],
  ['a record definition', '91d47240', 'frame: holds a value of a type that is not used here (0xd4)'],
  ['an extension', '91c70000', 'frame: holds a value of a type that is not used here (0xc7)'],
  ['the type never used', '91c1', 'frame: holds a value of a type that is not used here (0xc1)'],
])('%s', (_, hex, expected) => {
  expect(verdict(hex)).toBe(expected);
});

test('more elements than bytes are refused at the head, before any is looked at', () => {
  // A refused type stands first: only the declared length can be the reason.
  expect(verdict('dd 7fffffff c1')).toBe(TRUNCATED);
  expect(verdict('dd 00000001 c1')).toMatch(/not used here/);
});

const packr = new Packr({ useRecords: false, moreTypes: false });
const { tree } = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.double(),
    fc.maxSafeInteger(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array(),
  ),
  tree: fc.array(fc.oneof({ maxDepth: 6 }, tie('leaf'), tie('tree'))),
}));

test('whatever the packer makes of arrays and plain values is accepted, and no part of it alone', () => {
  fc.assert(
    fc.property(tree, fc.nat(), (value, cut) => {
      const bytes = packr.pack(value);
      expect(verdict(bytes)).toBe('accepted');
      expect(verdict(bytes.subarray(0, cut % bytes.length))).toBe(TRUNCATED);
    }),
    runs(300),
  );
});
