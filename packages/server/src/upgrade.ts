import {
  CLIENT_SUBPROTOCOL,
  LIMITS,
  PEER_SUBPROTOCOL,
  SNAPSHOT_SUBPROTOCOL,
  type UpgradeDecision,
  type UpgradeRequest,
} from '@holdfast/types';
import type { AccessDecision, AccessRequest } from './http/access-policy.ts';

/** The kinds of links, by path: what they speak and the longest frame a node takes from them, in bytes. */
const ENDPOINTS: Readonly<
  Record<string, { readonly subprotocol: string; readonly maxMessageBytes: number }>
> = {
  '/peer': { subprotocol: PEER_SUBPROTOCOL, maxMessageBytes: LIMITS.peerFrameBytesMax },
  '/snapshot': { subprotocol: SNAPSHOT_SUBPROTOCOL, maxMessageBytes: LIMITS.peerFrameBytesMax },
  '/client': { subprotocol: CLIENT_SUBPROTOCOL, maxMessageBytes: LIMITS.clientFrameBytesMax },
};

export interface UpgradeContext {
  isAllowed(request: AccessRequest): AccessDecision;
  /** Why no link is taken now, for a person. */
  unavailable(): string | undefined;
  readonly clientsFull: boolean;
}

/** Whether a connection becomes a link of this node, and which. */
export function decideUpgrade(request: UpgradeRequest, context: UpgradeContext): UpgradeDecision {
  const access = context.isAllowed(request);
  if (!access.allowed) return { refuse: 403, message: `HOLDFAST_ORIGIN_REFUSED: ${access.reason}` };
  const path = request.path.split('?', 1)[0]!;
  const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
  if (endpoint === undefined)
    return { refuse: 404, message: 'links are taken at /client, /peer and /snapshot' };
  if (!request.subprotocols.includes(endpoint.subprotocol)) {
    const offered =
      request.subprotocols.length === 0 ? 'none' : request.subprotocols.slice(0, 8).join(', ').slice(0, 200);
    return {
      refuse: 400,
      message: `HOLDFAST_VERSION_MISMATCH: ${path} speaks ${endpoint.subprotocol}; offered: ${offered}`,
    };
  }
  const unavailable = context.unavailable();
  if (unavailable !== undefined) return { refuse: 503, message: `HOLDFAST_NOT_READY: ${unavailable}` };
  if (path === '/client' && context.clientsFull) {
    return { refuse: 503, message: 'HOLDFAST_OVERLOADED: no further client connections' };
  }
  return {
    accept: endpoint.subprotocol,
    maxMessageBytes: endpoint.maxMessageBytes,
    firstMessageBytesMax: LIMITS.helloBytesMax,
  };
}
