import { PROTOCOL_VERSION } from '@holdfast/types';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { decodeClientMessages, decodePeerHello, decodeServerMessages } from '../src/index.ts';

const packr = new Packr({ useRecords: false });
const NEWER = PROTOCOL_VERSION + 1;

/** Of a version: with a part that this one does not know. */
const GREETINGS: readonly (readonly [
  name: string,
  decode: (bytes: Uint8Array) => unknown,
  of: (protocol: number) => unknown,
])[] = [
  ['peer hello', decodePeerHello, (protocol) => [protocol, 'n1', true]],
  ['client hello', decodeClientMessages, (protocol) => [[0, protocol, 'default', null, 'app', true]]],
  ['welcome', decodeServerMessages, (protocol) => [[0, protocol, null, '', 'n1', 1, [0, null, []], true]]],
];

describe.each(GREETINGS)('a %s of a shape that is not known', (_name, decode, of) => {
  test('says that the version is another, if it is', () => {
    expect(() => decode(packr.pack(of(NEWER)))).toThrow(
      expect.objectContaining({
        code: 'HOLDFAST_VERSION_MISMATCH',
        message: `the other side speaks protocol ${NEWER}, this one ${PROTOCOL_VERSION}`,
      }),
    );
  });

  test('is invalid in this version', () => {
    const invalid = expect.objectContaining({ code: 'HOLDFAST_INVALID_MESSAGE' });
    expect(() => decode(packr.pack(of(PROTOCOL_VERSION)))).toThrow(invalid);
  });
});
