import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ack, HoldfastError, nodeId } from '@holdfast/types';
import {
  CLUSTER_FILE,
  type LocalNode,
  nodesWithData,
  readClusterFile,
  writeClusterFile,
} from './cluster-file.ts';
import { choosePorts, FIRST_PORT, type PortChoice } from './ports.ts';

const NODES_BY_DEFAULT = 3;

export interface ClusterWishes {
  readonly directory: string;
  /** Undefined: as many as there are, 3 at first. */
  readonly nodes: number | undefined;
  /** Undefined: as before, `quorum` at first. */
  readonly ack: Ack | undefined;
}

export interface PreparedCluster extends PortChoice {
  readonly ack: Ack;
  /** There was no data before. */
  readonly isNew: boolean;
}

/**
 * Decides which nodes run where, and remembers it. Throws HOLDFAST_WRONG_CLUSTER when other nodes are asked for than
 * those that formed the cluster: they would refuse each other, and nothing has been started yet.
 */
export async function prepareCluster(wishes: ClusterWishes): Promise<PreparedCluster> {
  const { directory } = wishes;
  const kept = readClusterFile(directory);
  const withData = nodesWithData(directory);
  const remembered = kept?.nodes.map(({ id }) => id as string);
  const present = withData.length > 0 ? (remembered ?? withData) : undefined;
  const ids = idsOf(wishes.nodes, present ?? remembered);
  if (present !== undefined && ids.join() !== [...present].sort(byNumber).join()) {
    throw new HoldfastError(
      'HOLDFAST_WRONG_CLUSTER',
      `the cluster in ${directory} was formed by ${present.join(', ')}; asked for are ${ids.join(', ')}: nothing was started`,
    );
  }
  const choice = await choosePorts(withPorts(ids, kept?.nodes ?? []));
  const ack = wishes.ack ?? kept?.ack ?? 'quorum';
  writeClusterFile(directory, { ack, nodes: choice.nodes });
  return { ...choice, ack, isNew: present === undefined };
}

/** Removes the data of all nodes, their logs, and what was remembered. */
export function wipeCluster(directory: string): void {
  for (const id of nodesWithData(directory)) rmSync(join(directory, id), { recursive: true, force: true });
  rmSync(join(directory, 'logs'), { recursive: true, force: true });
  rmSync(join(directory, CLUSTER_FILE), { force: true });
}

function idsOf(wanted: number | undefined, before: readonly string[] | undefined): string[] {
  if (wanted === undefined && before !== undefined) return [...before].sort(byNumber);
  return Array.from({ length: wanted ?? NODES_BY_DEFAULT }, (_, at) => `n${at + 1}`);
}

/** n2 before n10. */
function byNumber(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}

/** The remembered port, or the next one after all that are in use. */
function withPorts(ids: readonly string[], kept: readonly LocalNode[]): LocalNode[] {
  const portOf = new Map(kept.map(({ id, port }) => [id as string, port]));
  let next = Math.max(FIRST_PORT, ...kept.map(({ port }) => port + 1));
  return ids.map((id) => {
    const port = portOf.get(id) ?? next;
    if (!portOf.has(id)) next += 1;
    return { id: nodeId(id), port };
  });
}
