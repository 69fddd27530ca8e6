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
