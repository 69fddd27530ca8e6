import type { Random } from '@holdfast/types';
import { pick } from '../run/draw.ts';
import type { FaultScene } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';

/** A node by name, or who is the primary at that moment, if somebody is. */
export interface Target {
  readonly node: string;
  readonly orPrimary?: true;
  /** Rather the node at which that happened which the fault waited for. */
  readonly isThere?: true;
}

/** What one host says to another. */
export interface Way {
  readonly from: string;
  readonly to: string;
  /** Instead of that end: who is the primary then. */
  readonly primaryIs?: 'from' | 'to';
}

const PRIMARY_SHARE = 0.6;
const PRIMARY_END_SHARE = 0.5;

/** The primary more often than not: it is the one that has promised something. */
export function drawTarget(random: Random, { nodes }: FaultScene): Target {
  const node = pick(random, nodes);
  return random.next() < PRIMARY_SHARE ? { node, orPrimary: true } : { node };
}

export function drawTwoHosts(random: Random, { hosts }: FaultScene): readonly [string, string] {
  const one = pick(random, hosts);
  return [
    one,
    pick(
      random,
      hosts.filter((host) => host !== one),
    ),
  ];
}

export function drawPrimaryEnd(random: Random): Pick<Way, 'primaryIs'> {
  return random.next() < PRIMARY_END_SHARE ? { primaryIs: pick(random, ['from', 'to']) } : {};
}

/** As they are now; undefined: they are one. */
export function endsOf(way: Way, { cluster }: FaultWorld): Omit<Way, 'primaryIs'> | undefined {
  const ends = { from: way.from, to: way.to };
  if (way.primaryIs !== undefined && cluster.primary !== undefined) ends[way.primaryIs] = cluster.primary.id;
  return ends.from === ends.to ? undefined : ends;
}
