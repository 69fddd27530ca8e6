import { expect, test } from 'vitest';
import { ConnectionWatches } from '../../src/clients/connection-watches.ts';

test('a connection has room for so many watches, those included that have not begun (G17)', () => {
  const watches = new ConnectionWatches(2);
  expect([watches.reserve(1), watches.reserve(2)]).toEqual([undefined, undefined]);
  let closed = 0;
  watches.begin(1, { grant: () => {}, close: () => (closed += 1) });
  expect(watches.reserve(3)).toMatchObject({
    code: 'HOLDFAST_OVERLOADED',
    message: 'more than 2 watches on one connection',
  });
  expect(watches.reserve(2)).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  watches.close(1);
  expect([closed, watches.reserve(3), watches.size]).toEqual([1, undefined, 2]);
});
