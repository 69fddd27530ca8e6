import { Holdfast } from '@holdfast/client';
import type { NodeStatus } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { fetchStatuses } from './cluster/cluster-watch.ts';
import type { ControlState } from './cluster/control-server.ts';
import { askInstance, readInstance } from './cluster/instance-file.ts';
import type { FoundCluster } from './find-cluster.ts';
import { currentPrimary, type NodeRow, nodeRows, type SilentNode } from './node-row.ts';

/** All nodes of a cluster: those of `.holdfast` as they are, addresses given by hand completed by what a node says. */
export async function clusterNodes(cluster: FoundCluster, timeoutMs: number): Promise<SilentNode[]> {
  if (cluster.directory !== undefined) return await localNodes(cluster, cluster.directory);
  const urls = cluster.nodes.map(({ url }) => url);
  const database = new Holdfast(urls, { openTimeoutMs: timeoutMs, name: 'holdfast-cli' });
  try {
    await database.open();
    const announced = database.topology()?.nodes ?? [];
    const others = announced.filter(({ url }) => !urls.includes(url));
    const own = urls.map((url) => ({ url, id: announced.find((node) => node.url === url)?.id }));
    // An address given by hand need not be the one that its node announces.
    return own.every(({ id }) => id !== undefined) ? [...own, ...others] : own;
  } catch {
    return urls.map((url) => ({ id: undefined, url }));
  } finally {
    await database.close();
  }
}

async function localNodes(cluster: FoundCluster, directory: string): Promise<SilentNode[]> {
  const instance = readInstance(directory);
  const state =
    instance === undefined
      ? undefined
      : await askInstance<ControlState>(instance, '/state', 1000).catch(() => undefined);
  return cluster.nodes.map((node) => {
    const process = state?.nodes.find(({ id }) => id === node.id);
    return { ...node, pid: process?.pid ?? undefined, isPaused: process?.state === 'paused' };
  });
}

export async function fetchRows(nodes: readonly SilentNode[], timeoutMs: number): Promise<NodeRow[]> {
  return nodeRows(nodes, await fetchStatuses(nodes, timeoutMs));
}

/** The node that calls itself primary. Rejects with HOLDFAST_NO_PRIMARY. */
export async function findPrimary(
  nodes: readonly { readonly url: string }[],
  timeoutMs: number,
): Promise<{ readonly url: string; readonly status: NodeStatus }> {
  const statuses = await fetchStatuses(nodes, timeoutMs);
  const status = currentPrimary([...statuses.values()]);
  const url = nodes.find((node) => statuses.get(node.url) === status)?.url;
  if (status === undefined || url === undefined) {
    const answered = [...statuses.values()].filter((each) => each !== undefined).length;
    throw new HoldfastError(
      'HOLDFAST_NO_PRIMARY',
      `${answered} of ${nodes.length} nodes answer, none of them is primary`,
    );
  }
  return { url, status };
}
