import type { ClientHealth } from '@holdfast/client';
import type { NodeConfig } from '@holdfast/server';
import { CLIENT_SUBPROTOCOL, LIMITS, nodeId, PEER_SUBPROTOCOL, SNAPSHOT_SUBPROTOCOL } from '@holdfast/types';
import { expect, test } from 'vitest';
import {
  type ClientLanes,
  checkClient,
  checkShell,
  checkUnsent,
  type QueuesOfShell,
} from '../../src/oracles/shell-queues.ts';
import { SimClock } from '../../src/sim-clock.ts';
import { SimNetwork } from '../../src/sim-network.ts';

const n1 = nodeId('n1');
const limits = {
  clientConnectionsMax: 2,
  pendingReadsMax: 4,
  scansRunningMax: 2,
  scansWaitingMax: 5,
  watchesPerConnectionMax: 2,
  clientBufferedBytesMax: 1000,
  peerBufferedBytesMax: 2000,
} as unknown as NodeConfig['limits'];

function shellOf(levels: {
  connections?: number;
  writes?: number;
  reads?: number;
  scans?: number;
  pages?: number;
  places?: number;
  watches?: number;
}): QueuesOfShell {
  const { connections = 2, writes = 0, reads = 0, scans = 0, pages = 0, places = 0, watches = 0 } = levels;
  const refused = 7;
  return {
    connections,
    lanes: {
      writes: { running: writes, waiting: 0, refused },
      reads: { running: reads, waiting: 0, refused },
      scans: { running: scans, waiting: pages, refused },
      watches: { running: places, waiting: 0, refused },
    },
    watches: { watches, events: 99, lagEntries: 99 },
  };
}

test('a node with all queues at their limits', () => {
  const full = {
    connections: 2,
    writes: 2 * LIMITS.clientOutstandingRequestsMax,
    reads: 4,
    scans: 2,
    pages: 5,
    places: 4,
    watches: LIMITS.watchesMax,
  };
  checkShell(n1, shellOf(full), limits);
});

test.each<[string, QueuesOfShell]>([
  ['3 clients are connected, 2 at most', shellOf({ connections: 3 })],
  ['16385 writes wait for an answer, 16384 at most', shellOf({ connections: 1, writes: 16_385 })],
  ['5 reads wait to be let through, 4 at most', shellOf({ reads: 5 })],
  ['3 pages are read at once, 2 at most', shellOf({ scans: 3 })],
  ['6 pages wait to be read, 5 at most', shellOf({ pages: 6 })],
  ['5 watches have a place, 4 at most', shellOf({ places: 5 })],
  ['10001 watches are open, 10000 at most', shellOf({ watches: 10_001 })],
])('%s: caught', (message, shell) => {
  expect(() => checkShell(n1, shell, limits)).toThrow(`bounded queues: n1: ${message}`);
});

test('frames that cannot set out, at their limits and beyond', () => {
  const ofClient = { to: 'c1', subprotocol: CLIENT_SUBPROTOCOL, bytes: 1000 };
  const ofPeer = { to: 'n2', subprotocol: PEER_SUBPROTOCOL, bytes: 2000 };
  // Its sender waits for answers.
  const ofSnapshot = { to: 'n2', subprotocol: SNAPSHOT_SUBPROTOCOL, bytes: 1_000_000 };
  checkUnsent(n1, [ofClient, ofPeer, ofSnapshot], limits);
  const toClient = 'n1: 1001 bytes wait to be sent to the client c1, 1000 at most';
  expect(() => checkUnsent(n1, [{ ...ofClient, bytes: 1001 }], limits)).toThrow(toClient);
  const toPeer = 'n1: 9000 bytes wait to be sent to n2, 6096 at most';
  expect(() => checkUnsent(n1, [{ ...ofPeer, bytes: 9000 }], limits)).toThrow(toPeer);
});

test('what waits on a cut link is told of whoever has sent it', async () => {
  const clock = new SimClock();
  const network = new SimNetwork({ clock });
  await network.transport('n1').listen({
    host: 'n1',
    port: 1,
    decide: () => ({ accept: PEER_SUBPROTOCOL, maxMessageBytes: 100 }),
    onConnection: () => {},
  });
  const connection = network.transport('n2').connect({
    url: 'ws://n1:1',
    subprotocol: PEER_SUBPROTOCOL,
    maxMessageBytes: 100,
    handshakeTimeoutMs: 1000,
    handlers: { onMessage: () => {}, onClose: () => {} },
  });
  await clock.advance(10);
  connection.send(new Uint8Array(20));
  expect([...network.unsentOf('n2')]).toEqual([]);
  network.cut('n1', 'n2');
  connection.send(new Uint8Array(30));
  expect([...network.unsentOf('n2')]).toEqual([{ to: 'n1', subprotocol: PEER_SUBPROTOCOL, bytes: 50 }]);
  expect([...network.unsentOf('n1')]).toEqual([]);
  connection.terminate();
  expect([...network.unsentOf('n2')]).toEqual([]);
});

const lane = { callsMax: 2, bytesMax: 100 };
const lanes: ClientLanes = { writes: lane, reads: lane, scans: lane, watches: lane };

function healthOf(
  use: { calls: number; bytes: number },
  name: keyof ClientLanes,
): Pick<ClientHealth, 'lanes'> {
  const none = { calls: 0, bytes: 0, refused: 0 };
  const empty = { writes: none, reads: none, scans: none, watches: none };
  return { lanes: { ...empty, [name]: { ...use, refused: 3 } } };
}

test.each(['writes', 'reads', 'scans', 'watches'] as const)(
  'calls of a client that are not settled, at their limits and beyond: %s',
  (name) => {
    checkClient('c1', healthOf({ calls: 2, bytes: 100 }, name), lanes);
    checkClient('c1', healthOf({ calls: 1, bytes: 500 }, name), lanes);
    const calls = healthOf({ calls: 3, bytes: 0 }, name);
    expect(() => checkClient('c1', calls, lanes)).toThrow(`c1: 3 ${name} are not settled, 2 at most`);
    const bytes = healthOf({ calls: 2, bytes: 101 }, name);
    expect(() => checkClient('c1', bytes, lanes)).toThrow(
      `c1: 101 bytes of ${name} are not settled, 100 at most`,
    );
  },
);
