import { describe, expect, it } from 'vitest';
import { parseBatch } from '../../src/data/batch-lines.ts';
import { afterPrefix, isReserved, RESERVED_PREFIX } from '../../src/reserved-keys.ts';

const utf8 = { encoding: 'utf8', keyEncoding: 'utf8' } as const;

it('reads words and JSON, and passes over blanks and comments', () => {
  const text =
    '# setup\nput a 1\nput b  two words \r\n\ndel c\n{"type":"put","key":"d e","value":"","ifAbsent":true}\n{"type":"del","key":"f","ifRevision":7}';
  const lines = parseBatch(text, utf8).map(({ operation, ifRevision }) => [
    operation.type,
    operation.key.toString(),
    operation.type === 'put' ? operation.value.toString() : null,
    ifRevision ?? null,
  ]);
  expect(lines).toEqual([
    ['put', 'a', '1', null],
    ['put', 'b', ' two words ', null],
    ['del', 'c', null, null],
    ['put', 'd e', '', 0],
    ['del', 'f', null, 7],
  ]);
});

it('decodes keys and values each in its encoding', () => {
  const [line] = parseBatch('put key ff00', { encoding: 'hex', keyEncoding: 'utf8' });
  expect(line?.operation).toEqual({ type: 'put', key: Buffer.from('key'), value: Buffer.of(0xff, 0) });
});

describe('names the line that it does not understand', () => {
  it.each([
    ['put a', 'line 1: expected'],
    ['del a\nincr b', 'line 2: expected'],
    ['del a b', 'line 1: expected'],
    ['{"type":"put","key":"a"}', 'line 1: value must be a text'],
    ['{"type":"set","key":"a"}', 'line 1: type must be'],
    ['{"type":"del"}', 'line 1: key must be'],
    ['{"type":"del","key":"a","ifRevison":1}', 'line 1: there is no field "ifRevison"'],
    ['{"type":"del","key":"a","ifRevision":-1}', 'line 1: ifRevision'],
    ['{"type":"del","key":"a","ifRevision":1,"ifAbsent":true}', 'line 1: give either'],
    ['{"type":"put","key":"a","value":"","ifAbsent":"true"}', 'line 1: ifAbsent must be'],
    ['{"type":"put","key":"a","value":"","ifAbsent":1}', 'line 1: ifAbsent must be'],
    ['{nonsense', 'line 1:'],
    ['', 'there are no operations'],
  ])('%j', (text, problem) => {
    expect(() => parseBatch(text, utf8)).toThrow(problem);
  });
});

it('finds the end of a prefix', () => {
  expect(afterPrefix(Buffer.from('user:'))).toEqual(Buffer.from('user;'));
  expect(afterPrefix(Buffer.of(1, 0xff, 0xff))).toEqual(Buffer.of(2));
  expect(afterPrefix(Buffer.of(0xff))).toBeUndefined();
  expect(afterPrefix(Buffer.of())).toBeUndefined();
});

it('knows the keys that are Holdfast’s own', () => {
  expect(isReserved(Buffer.concat([RESERVED_PREFIX, Buffer.from('x')]))).toBe(true);
  expect(isReserved(Buffer.from('holdfast/x'))).toBe(false);
  expect(isReserved(Buffer.from('\u0000holdfas'))).toBe(false);
  expect(isReserved(Buffer.from('\u0000n\u0001akey'))).toBe(true);
  expect(isReserved(Buffer.from('name'))).toBe(false);
});
