import type { ClusterId, Exclusion, Genesis, NodeId } from '@holdfast/types';
import type { Input } from '../api.ts';

type LinkUp = Extract<Input, { kind: 'linkUp' }>;

/** What is known of the link to one peer. */
export interface Link {
  up: boolean;
  boot: string | undefined;
  disk: string | undefined;
  cluster: ClusterId | undefined;
  voters: readonly NodeId[];
  exclusion: Exclusion | undefined;
}

/** Takes in a hello. True when the peer is another process than before. */
export function linkCameUp(link: Link, hello: LinkUp, genesis: Genesis | undefined): boolean {
  const rebooted = link.boot !== undefined && link.boot !== hello.boot;
  link.exclusion = verdictOn(link, hello, genesis);
  link.up = true;
  link.boot = hello.boot;
  link.disk = hello.disk;
  link.cluster = hello.cluster;
  link.voters = hello.voters;
  return rebooted;
}

/**
 * A disk that the membership does not name holds nothing that was promised (fault 20); nor does one that this node
 * found to have gone back, whether or not it has heard of that.
 */
function verdictOn(link: Link, hello: LinkUp, genesis: Genesis | undefined): Exclusion | undefined {
  if (hello.exclusion !== undefined) return hello.exclusion;
  if (link.exclusion === 'disk-went-back' && link.disk === hello.disk) return link.exclusion;
  const named = genesis?.voters[hello.peer];
  return named !== undefined && named !== hello.disk ? 'wiped' : undefined;
}
