import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyText } from '../src/index.ts';

describe('keyText', () => {
  test('is one to one over bytes, short and long', () => {
    const key = fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ minLength: 60, maxLength: 70 }));
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(keyText(a) === keyText(b)).toBe(Buffer.compare(a, b) === 0);
        expect(Buffer.from(keyText(a), 'latin1').equals(a)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('reads a view, not the buffer under it', () => {
    const whole = new Uint8Array(200).fill(0xfe);
    whole[100] = 1;
    expect(keyText(whole.subarray(100, 102))).toBe('\u0001\u00fe');
    expect(keyText(whole.subarray(100, 199))).toBe(`\u0001${'\u00fe'.repeat(98)}`);
  });
});
