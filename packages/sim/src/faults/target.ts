import type { Random } from '@holdfast/types';
import { pick } from '../run/draw.ts';
import type { FaultScene } from './fault-type.ts';

/** A node by name, or who is the primary at that moment, if somebody is. */
export interface Target {
  readonly node: string;
  readonly orPrimary?: true;
  /** Rather the node at which that happened which the fault waited for. */
  readonly isThere?: true;
}

const PRIMARY_SHARE = 0.6;

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
