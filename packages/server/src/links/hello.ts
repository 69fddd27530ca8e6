import { type ErrorCode, type NodeId, type PeerHello, PROTOCOL_VERSION } from '@holdfast/types';
import { CLOSE_CODES } from './close-codes.ts';

/** Why a peer's hello was not accepted. */
export interface HelloRefusal {
  readonly code: ErrorCode;
  readonly closeCode: number;
  readonly reason: string;
}

/**
 * Holds the other side's hello against this node's own. `expected` is the node that was dialled, if this side
 * dialled. Undefined: the two may talk.
 */
export function judgeHello(options: {
  readonly own: PeerHello;
  readonly theirs: PeerHello;
  readonly expected?: NodeId;
}): HelloRefusal | undefined {
  const { own, theirs, expected } = options;
  if (theirs.protocol !== PROTOCOL_VERSION) {
    return {
      code: 'HOLDFAST_VERSION_MISMATCH',
      closeCode: CLOSE_CODES.versionMismatch,
      reason: `${own.node} speaks protocol ${PROTOCOL_VERSION}, ${theirs.node} speaks ${theirs.protocol}`,
    };
  }
  if (!sameIds(own.voters, theirs.voters)) {
    return wrongCluster(
      `${own.node} is configured with the nodes ${own.voters.join(', ')}; ${theirs.node} with ${theirs.voters.join(', ')}`,
    );
  }
  if (own.cluster !== undefined && theirs.cluster !== undefined && own.cluster !== theirs.cluster) {
    return wrongCluster(`${own.node} belongs to cluster ${own.cluster}, ${theirs.node} to ${theirs.cluster}`);
  }
  if (theirs.node === own.node)
    return notWelcome(`${own.node} met a node of its own name: two nodes share an id`);
  if (!own.voters.includes(theirs.node)) return notWelcome(`${theirs.node} is not a node of this cluster`);
  if (expected !== undefined && theirs.node !== expected) {
    return notWelcome(`${theirs.node} answered at the address of ${expected}`);
  }
  return undefined;
}

function sameIds(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((id, position) => id === right[position]);
}

function wrongCluster(reason: string): HelloRefusal {
  return { code: 'HOLDFAST_WRONG_CLUSTER', closeCode: CLOSE_CODES.wrongCluster, reason };
}

function notWelcome(reason: string): HelloRefusal {
  return { code: 'HOLDFAST_WRONG_CLUSTER', closeCode: CLOSE_CODES.notWelcome, reason };
}
