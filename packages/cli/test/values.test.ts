import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, escaped, fromBytes, integer, toBytes, wholeNumber } from '../src/values.ts';

describe('durations', () => {
  it.each([
    ['250', 250],
    ['500ms', 500],
    ['1.5s', 1500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('%s', (text, ms) => expect(durationMs(text)).toBe(ms));

  it.each(['', '0', '0s', '-1s', 's', '1 day', '30 s', '1e3', '900h', 'Infinity'])('refuses %j', (text) => {
    expect(() => durationMs(text)).toThrow(/duration such as/);
  });
});

it('reads whole numbers and nothing that only begins like one', () => {
  const nodes = wholeNumber(1, 'a number of nodes');
  expect(nodes('3')).toBe(3);
  for (const text of ['0', '3.5', '3x', '', '-1', '99999999999999999999'])
    expect(() => nodes(text)).toThrow();
  expect(integer('-5')).toBe(-5);
  for (const text of ['1.5', 'five', '', '99999999999999999999']) expect(() => integer(text)).toThrow();
});

describe('encodings', () => {
  it('give back the bytes they were made of', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('hex' as const, 'base64' as const), (bytes, encoding) => {
        expect([...toBytes(fromBytes(bytes, encoding) as string, encoding)]).toEqual([...bytes]);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fromBytes(toBytes(text, 'utf8'), 'utf8')).toBe(text);
      }),
    );
  });

  it('say that bytes are no text', () => {
    expect(fromBytes(Uint8Array.of(0xff, 0x00), 'utf8')).toBeUndefined();
  });

  it.each([
    ['abc', 'hex'],
    ['zz', 'hex'],
    ['a', 'base64'],
    ['ab=c', 'base64'],
    ['a b c d', 'base64'],
  ] as const)('refuse %j as %s instead of dropping a part of it', (text, encoding) => {
    expect(() => toBytes(text, encoding)).toThrow(/HOLDFAST_INVALID_ARGUMENT|not (hex|base64)/);
  });
});

it('leaves nothing in a field that breaks a line or moves the cursor, and loses nothing', () => {
  expect(escaped('a\tb\nc\\d\u001b[2J\u009b')).toBe('a\\tb\\nc\\\\d\\x1b[2J\\x9b');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const field = escaped(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be gone
      expect(field).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(unescaped(field)).toBe(text);
    }),
  );
});

function unescaped(field: string): string {
  const names: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };
  return field.replace(/\\(?:x(..)|(.))/g, (_, code: string | undefined, name: string) =>
    code === undefined ? (names[name] as string) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
