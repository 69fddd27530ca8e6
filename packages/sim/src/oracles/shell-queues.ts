import type { ClientHealth } from '@holdfast/client';
import type { NodeConfig, NodeStatus } from '@holdfast/server';
import { CLIENT_SUBPROTOCOL, LANES, type Lane, LIMITS, type NodeId, PEER_SUBPROTOCOL } from '@holdfast/types';
import type { UnsentBytes } from '../network/unsent-bytes.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What is looked at of a node. */
export type QueuesOfShell = Pick<NodeStatus, 'lanes' | 'connections' | 'watches'>;

export type ClientLanes = Readonly<Record<Lane, { readonly callsMax: number; readonly bytesMax: number }>>;

/** The last frame of a turn goes out before anybody looks; and a link that is full is still asked whether it lives. */
const PULSE_BYTES = 4096;

/** No queue of the shell around a core grows beyond its limit (G17). */
export function checkShell(
  node: NodeId,
  { lanes, connections, watches }: QueuesOfShell,
  limits: NodeConfig['limits'],
): void {
  const { reads, scans } = lanes;
  const requestsMax = connections * LIMITS.clientOutstandingRequestsMax;
  check(node, 'clients are connected', connections, limits.clientConnectionsMax);
  check(node, 'writes wait for an answer', lanes.writes.running, requestsMax);
  check(node, 'reads wait to be let through', reads.running, limits.pendingReadsMax);
  check(node, 'pages are read at once', scans.running, limits.scansRunningMax);
  check(node, 'pages wait to be read', scans.waiting, limits.scansWaitingMax);
  check(node, 'watches have a place', lanes.watches.running, connections * limits.watchesPerConnectionMax);
  check(node, 'watches are open', watches.watches, LIMITS.watchesMax);
}

/** Frames that a node has handed to the network, and that cannot set out. */
export function checkUnsent(node: NodeId, links: Iterable<UnsentBytes>, limits: NodeConfig['limits']): void {
  for (const { to, subprotocol, bytes } of links) {
    if (subprotocol === CLIENT_SUBPROTOCOL)
      check(node, `bytes wait to be sent to the client ${to}`, bytes, limits.clientBufferedBytesMax);
    if (subprotocol === PEER_SUBPROTOCOL)
      check(node, `bytes wait to be sent to ${to}`, bytes, limits.peerBufferedBytesMax + PULSE_BYTES);
  }
}

/** Calls of a client that are not settled. One alone may be longer than the share of its lane. */
export function checkClient(
  client: string,
  { lanes }: Pick<ClientHealth, 'lanes'>,
  limits: ClientLanes,
): void {
  for (const lane of LANES) {
    const { calls, bytes } = lanes[lane];
    const { callsMax, bytesMax } = limits[lane];
    check(client, `${lane} are not settled`, calls, callsMax);
    if (calls > 1) check(client, `bytes of ${lane} are not settled`, bytes, bytesMax);
  }
}

function check(where: string, what: string, is: number, max: number): void {
  if (is > max) throw new SafetyViolation('bounded queues', `${where}: ${is} ${what}, ${max} at most`);
}
