import { CLIENT_SUBPROTOCOL, LIMITS, PEER_SUBPROTOCOL, type UpgradeRequest } from '@holdfast/types';
import { expect, test } from 'vitest';
import { decideUpgrade, type UpgradeContext } from '../../src/upgrade.ts';

const OPEN: UpgradeContext = {
  isAllowed: () => ({ allowed: true }),
  unavailable: () => undefined,
  clientsFull: false,
};

function request(path: string, ...subprotocols: string[]): UpgradeRequest {
  return { path, subprotocols, remoteAddress: '127.0.0.1:1' };
}

test('each path speaks its own subprotocol, with frames of its own longest size', () => {
  expect(decideUpgrade(request('/peer', PEER_SUBPROTOCOL), OPEN)).toEqual({
    accept: PEER_SUBPROTOCOL,
    maxMessageBytes: LIMITS.peerFrameBytesMax,
    firstMessageBytesMax: LIMITS.helloBytesMax,
  });
  expect(decideUpgrade(request('/client?x=1', 'other', CLIENT_SUBPROTOCOL), OPEN)).toEqual({
    accept: CLIENT_SUBPROTOCOL,
    maxMessageBytes: LIMITS.clientFrameBytesMax,
    firstMessageBytesMax: LIMITS.helloBytesMax,
  });
});

test.each([
  ['a page elsewhere', request('/elsewhere', CLIENT_SUBPROTOCOL), OPEN, 404, /client/],
  ['a name that objects have', request('/__proto__', CLIENT_SUBPROTOCOL), OPEN, 404, /client/],
  ['no subprotocol', request('/client'), OPEN, 400, /HOLDFAST_VERSION_MISMATCH.*offered: none/],
  [
    'a newer one',
    request('/client', 'holdfast.client.v2'),
    OPEN,
    400,
    /holdfast\.client\.v1; offered: holdfast\.client\.v2/,
  ],
  [
    'a peer’s on the clients’ path',
    request('/client', PEER_SUBPROTOCOL),
    OPEN,
    400,
    /HOLDFAST_VERSION_MISMATCH/,
  ],
  [
    'a foreign page',
    request('/client', CLIENT_SUBPROTOCOL),
    { ...OPEN, isAllowed: () => ({ allowed: false, reason: 'no' }) as const },
    403,
    /HOLDFAST_ORIGIN_REFUSED/,
  ],
  [
    'a node that is starting',
    request('/peer', PEER_SUBPROTOCOL),
    { ...OPEN, unavailable: () => 'starting' },
    503,
    /HOLDFAST_NOT_READY/,
  ],
  [
    'a full house',
    request('/client', CLIENT_SUBPROTOCOL),
    { ...OPEN, clientsFull: true },
    503,
    /HOLDFAST_OVERLOADED/,
  ],
])('refused: %s', (_what, asked, context, status, message) => {
  const decision = decideUpgrade(asked, context);
  expect(decision).toMatchObject({ refuse: status, message: expect.stringMatching(message) });
});
