import { expect, test } from 'vitest';
import { SessionOrder } from '../../src/oracles/session-order.ts';

test('what was seen, or newer, is as it should be; so is anything asked for before it was seen', () => {
  const order = new SessionOrder('c1');
  const early = order.begin();
  order.saw('a', 5);
  order.end(early, 'a', undefined, false);
  order.end(order.begin(), 'a', 5, false);
  order.end(order.begin(), 'a', 9, false);
  order.end(order.begin(), 'a', undefined, true);
  order.end(order.begin(), 'b', undefined, false);
});

test('going back is caught, and so is nothing where something was', () => {
  const order = new SessionOrder('c1');
  order.saw('a', 5);
  order.saw('a', 3);
  expect(() => order.end(order.begin(), 'a', 4, true)).toThrow('c1 reads a at revision 4, and had seen 5');
  expect(() => order.end(order.begin(), 'a', undefined, false)).toThrow('reads a at revision undefined');
});

test('who is told that it diverged begins anew', () => {
  const order = new SessionOrder('c1');
  order.saw('a', 5);
  const before = order.begin();
  order.diverged();
  order.end(before, 'a', 4, false);
  order.end(order.begin(), 'a', 4, false);
  order.saw('a', 4);
  expect(() => order.end(order.begin(), 'a', 3, false)).toThrow('had seen 4');
});

test('a read with the token of another client sees what that one had seen', () => {
  const order = new SessionOrder('c1');
  order.saw('a', 5);
  const handed = new Map([
    ['a', 3],
    ['b', 8],
  ]);
  order.end(order.begin(handed), 'b', 8, false);
  order.end(order.begin(), 'b', 7, false);
  expect(() => order.end(order.begin(handed), 'b', 7, false)).toThrow(
    'reads b at revision 7, and had seen 8',
  );
  expect(() => order.end(order.begin(handed), 'a', 4, false)).toThrow(
    'reads a at revision 4, and had seen 5',
  );
});
