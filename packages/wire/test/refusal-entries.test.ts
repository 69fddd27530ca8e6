import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { EntryCodec } from '../src/index.ts';
import { refusal, sealed } from './refusals.ts';

describe('entry heads', () => {
  const packr = new Packr({ useRecords: false, moreTypes: false });
  const head = [1, 'd'.repeat(32), 5, 3, 2, 1.5, 9, 1];

  test.each<[string, number, unknown, string | undefined]>([
    ['as it should be', 0, 1, undefined],
    ['of the format after it', 0, 2, undefined],
    ['of the format after that', 0, 3, undefined],
    ['of the format of today', 0, 4, undefined],
    ['of another format', 0, 0, 'format: none of 1, 2, 3, 4'],
    ['of no format', 0, 'x', 'format: none of 1, 2, 3, 4'],
    ['of a newer format', 0, 5, 'an entry of format 5; this program knows up to 4'],
    ['of no database', 1, '', 'database: not 32 hexadecimal digits'],
    ['at index 0', 2, 0, 'index: not a whole number from 1'],
    ['of term 0', 3, 0, 'term: not a whole number from 1'],
    ['after a higher term', 4, 4, 'previousTerm: above the term'],
    ['before time', 5, -1, 'logTime: not a finite number from 0'],
    ['of a fractional revision', 6, 0.5, 'firstRevision: not a whole number from 0'],
    ['of another kind', 7, 3, 'body.kind: unknown code'],
  ])('%s', (_, place, value, expected) => {
    const content = packr.pack(head.with(place, value as number));
    expect(refusal(() => new EntryCodec().decode(sealed(content)))?.message).toBe(expected);
  });

  test('of a newer format is told apart from what is no entry', () => {
    const decode = (format: number): unknown =>
      refusal(() => new EntryCodec().decode(sealed(packr.pack(head.with(0, format)))));
    expect(decode(5)).toMatchObject({ code: 'HOLDFAST_VERSION_MISMATCH' });
    expect(decode(0)).toMatchObject({ code: 'HOLDFAST_INVALID_MESSAGE' });
  });

  test.each<[string, unknown[], unknown[], string]>([
    ['a caller without a floor', ['1.1.0'], [], 'callers: a session without a floor'],
    ['a request of nobody', ['1.1.0', 0], [[1, 1, 1, 1, [], 0, 0, 0]], 'requests[0].caller: unknown code'],
    ['a run of nothing', ['1.1.0', 0], [[2], [0, 0, 1, 1]], 'requests[1].run: not pairs of key and value'],
    [
      'a key alone',
      ['1.1.0', 0],
      [[0, 0, 1, 1, Buffer.alloc(1)]],
      'requests[0].run: not pairs of key and value',
    ],
    [
      'a run past all sequences',
      ['1.1.0', 0],
      [[0, 0, 1, 2 ** 53 - 1, Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1)]],
      'requests[0].sequence: not a whole number',
    ],
    ['an unknown request', [], [[9]], 'requests[0].kind: unknown code'],
    [
      'a mutation without a value',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1)], 0, 0, 0]],
      'requests[0].mutations: a key without a value',
    ],
    [
      'an expiry of a del',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1), null], 0, 0, 0, [0, 5, null]]],
      'requests[0].expiries.place: not that of the next put',
    ],
    [
      'an expiry of a mutation that is not there',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1), Buffer.alloc(1)], 0, 0, 0, [1, 5, null]]],
      'requests[0].expiries.place: not that of the next put',
    ],
    [
      'two expiries of one put',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1), Buffer.alloc(1)], 0, 0, 0, [0, 5, null, 0, 6, null]]],
      'requests[0].expiries.place: not that of the next put',
    ],
    [
      'half an expiry',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1), Buffer.alloc(1)], 0, 0, 0, [0, 5, null, 0]]],
      'requests[0].expiries: the last one is not whole',
    ],
    [
      'an expiry before time',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [Buffer.alloc(1), Buffer.alloc(1)], 0, 0, 0, [0, -5, null]]],
      'requests[0].expiries.expiresAt: not a whole number from 1',
    ],
    ['half a due key', [], [[4, [Buffer.alloc(1), 5]]], 'requests[0].due: 2 elements, at least 3 expected'],
    [
      'a due key that may be deleted',
      [],
      [[4, [Buffer.alloc(1), 5, 1]]],
      'requests[0].due.isDeleted: not a boolean',
    ],
    ['an unknown reason', [], [[3, '1.1.0', 3]], 'requests[0].reason: unknown code'],
    ['an unknown result', ['1.1.0', 0], [[1, 0, 1, 1, [], 8, 0, 0]], 'requests[0].result.kind: unknown code'],
    [
      'a clear that does not say how much',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [], 7, 0, [null, null]]],
      'requests[0].result.deleted: not a whole number from 0',
    ],
    [
      'a transaction without steps',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [], 4, 0, 0]],
      'requests[0].result.steps: not an array',
    ],
    [
      'half a step',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [], 5, 0, [0, 1]]],
      'requests[0].result.steps: the last one is not whole',
    ],
    [
      'an unknown step',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [], 4, 0, [4, 1, null]]],
      'requests[0].result.steps.kind: unknown code',
    ],
    [
      'more steps than a branch has',
      ['1.1.0', 0],
      [[1, 0, 1, 1, [], 4, 0, new Array(257 * 3).fill(0)]],
      'requests[0].result.steps: 771 elements, at most 768 allowed',
    ],
  ])('%s', (_, callers, requests, expected) => {
    const content = packr.pack([...head.with(7, 2), callers, requests]);
    expect(refusal(() => new EntryCodec().decode(sealed(content)))?.message).toBe(expected);
  });

  test('revisions beyond the numbers', () => {
    const put = [0, 0, 1, 1, Buffer.alloc(1), Buffer.alloc(1)];
    const content = packr.pack([...head.with(6, 2 ** 53 - 1).with(7, 2), ['1.1.0', 0], [put]]);
    expect(refusal(() => new EntryCodec().decode(sealed(content)))?.message).toBe(
      'requests: more revisions than there are numbers',
    );
  });
});
