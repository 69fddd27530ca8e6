import type { Exclusion, PeerHello } from '@holdfast/types';
import {
  bootId,
  choice,
  clusterId,
  codeOf,
  count,
  diskId,
  each,
  list,
  nodeId,
  optional,
  orNil,
  parts,
  shortened,
  text,
} from './fields.ts';
import { ofVersion } from './invalid.ts';
import { pack, unpack } from './message-pack.ts';

export const EXCLUSIONS: readonly Exclusion[] = ['wiped', 'disk-went-back', 'hard-state-lost'];

export const VOTERS_MAX = 1024;

/** The first frame each way on a peer link. */
export function encodePeerHello(hello: PeerHello): Uint8Array {
  return pack([
    hello.protocol,
    hello.node,
    hello.disk,
    hello.boot,
    orNil(hello.cluster),
    hello.voters,
    hello.exclusion === undefined ? null : codeOf(hello.exclusion, EXCLUSIONS),
    shortened(hello.clientUrl),
    hello.zone === undefined ? null : shortened(hello.zone),
  ]);
}

/** Throws HOLDFAST_INVALID_MESSAGE, and HOLDFAST_VERSION_MISMATCH for one of another shape and version. Whether protocol, cluster and voters fit is the caller's to judge. */
export function decodePeerHello(bytes: Uint8Array): PeerHello {
  const packed = list(unpack(bytes), 'hello', { min: 1 });
  const protocol = count(packed[0], 'protocol');
  return ofVersion(protocol, () => readHello(protocol, packed));
}

function readHello(protocol: number, packed: readonly unknown[]): PeerHello {
  parts(packed, 'hello', 9);
  const cluster = optional(packed[4], 'cluster', clusterId);
  const exclusion = optional(packed[6], 'exclusion', readExclusion);
  const zone = optional(packed[8], 'zone', text);
  return {
    protocol,
    node: nodeId(packed[1], 'node'),
    disk: diskId(packed[2], 'disk'),
    boot: bootId(packed[3], 'boot'),
    ...(cluster === undefined ? {} : { cluster }),
    voters: each(list(packed[5], 'voters', { max: VOTERS_MAX }), 'voters', readVoter),
    ...(exclusion === undefined ? {} : { exclusion }),
    clientUrl: text(packed[7], 'clientUrl'),
    ...(zone === undefined ? {} : { zone }),
  };
}

export function readExclusion(value: unknown, field: string): Exclusion {
  return choice(value, EXCLUSIONS, field);
}

export function readVoter(value: unknown): ReturnType<typeof nodeId> {
  return nodeId(value, 'id');
}
