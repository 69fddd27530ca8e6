import { beforeEach, expect, test } from 'vitest';
import type { ValueRevisions } from '../../src/oracles/logged-values.ts';
import { SessionOrder } from '../../src/oracles/session-order.ts';

/** By value, whatever the key. */
const VALUES: Readonly<Record<string, ValueRevisions>> = {
  first: { oldest: 3, newest: 3 },
  second: { oldest: 5, newest: 5 },
  again: { oldest: 4, newest: 9 },
};
const deletes = new Map<string, number>();
let order: SessionOrder;

beforeEach(() => {
  deletes.clear();
  order = new SessionOrder('c1', {
    revisionsOf: (_key, value) => VALUES[value],
    newestDelete: (key) => deletes.get(key) ?? 0,
  });
});

function found(values: Record<string, string | undefined>): Map<string, string | undefined> {
  return new Map(Object.entries(values));
}

test('what was seen, or newer, is as it should be; so is anything asked for before it was seen', () => {
  const early = order.begin();
  order.saw('a', 5);
  order.end(early, 'a', undefined);
  order.end(order.begin(), 'a', 5);
  order.end(order.begin(), 'a', 9);
  order.end(order.begin(), 'b', undefined);
  deletes.set('a', 5);
  order.end(order.begin(), 'a', undefined);
});

test('going back is caught, and so is nothing where something was', () => {
  order.saw('a', 5);
  order.saw('a', 3);
  expect(() => order.end(order.begin(), 'a', 4)).toThrow('c1 reads a at revision 4, and had seen 5');
  expect(() => order.end(order.begin(), 'a', undefined)).toThrow('reads a at revision undefined');
});

test('nothing where something was written since the last delete is caught', () => {
  deletes.set('a', 4);
  order.saw('a', 5);
  expect(() => order.end(order.begin(), 'a', undefined)).toThrow('reads a at revision undefined');
});

test('who is told that it diverged goes on from what survived', () => {
  order.saw('a', 5);
  order.saw('b', 3);
  order.saw('c', 9);
  const before = order.begin();
  order.diverged({ surviving: 3, lost: 5 });
  expect(order.toldOf('a')).toBe(0);
  order.end(before, 'a', 4);
  order.end(order.begin(), 'a', 1);
  order.endAll(before, found({ a: 'first' }));
  expect(() => order.end(order.begin(), 'b', 2)).toThrow('had seen 3');
  expect(() => order.end(order.begin(), 'c', 8)).toThrow('had seen 9');
  order.saw('a', 4);
  expect(() => order.end(order.begin(), 'a', 3)).toThrow('had seen 4');
  // With a read that fails no newest is told that was lost.
  order.diverged({ surviving: 3 });
  order.end(order.begin(), 'c', undefined);
  expect(() => order.end(order.begin(), 'b', undefined)).toThrow('had seen 3');
});

test('a read with the token of another client sees what that one had seen', () => {
  order.saw('a', 5);
  const handed = new Map([
    ['a', 3],
    ['b', 8],
  ]);
  order.end(order.begin(handed), 'b', 8);
  order.end(order.begin(), 'b', 7);
  expect(() => order.end(order.begin(handed), 'b', 7)).toThrow('reads b at revision 7, and had seen 8');
  expect(() => order.end(order.begin(handed), 'a', 4)).toThrow('reads a at revision 4, and had seen 5');
  expect(() => order.endAll(order.begin(handed), found({ a: 'second', b: 'second' }))).toThrow(
    'reads b at revision 5, and had seen 8',
  );
});

test('several keys of which each is what was seen of it, or newer, are as they should be', () => {
  order.saw('a', 5);
  order.saw('b', 2);
  order.endAll(order.begin(), found({ a: 'second', b: 'first', c: undefined, d: 'of nobody' }));
  // It was logged at 4, and again at 9.
  order.endAll(order.begin(), found({ a: 'again' }));
});

test.each<[string, Record<string, string | undefined>]>([
  ['an older value', { b: 'second', a: 'first' }],
  ['nothing where something was', { b: 'second', a: undefined }],
])('%s among several keys is caught', (_, values) => {
  order.saw('a', 5);
  expect(() => order.endAll(order.begin(), found(values))).toThrow('c1 reads a at revision');
});

test('what was seen among several keys counts for what is read later, from its oldest revision on', () => {
  order.sawAll(found({ a: 'second', b: 'again', c: undefined, d: 'of nobody' }));
  order.end(order.begin(), 'b', 4);
  order.end(order.begin(), 'd', undefined);
  expect(() => order.end(order.begin(), 'b', 3)).toThrow('had seen 4');
  expect(() => order.end(order.begin(), 'a', 4)).toThrow('had seen 5');
  expect(() => order.endAll(order.begin(), found({ a: 'first' }))).toThrow('had seen 5');
});

test('a client knows the revisions that it was told, and not those of values', () => {
  order.saw('a', 3);
  order.sawAll(found({ a: 'second', b: 'second' }));
  expect(order.toldOf('a')).toBe(3);
  expect(order.toldOf('b')).toBe(0);
});
