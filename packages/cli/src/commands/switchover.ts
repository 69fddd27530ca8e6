import type { NodeStatus } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { fetchStatuses } from '../cluster/cluster-watch.ts';
import { clusterNodes, findPrimary } from '../cluster-nodes.ts';
import type { Context } from '../context.ts';
import { callHttp } from '../node-http.ts';
import { currentPrimary, type SilentNode } from '../node-row.ts';
import {
  addCommand,
  type ClusterOptions,
  type CommandSetup,
  clusterOf,
  examples,
  withClusterOptions,
} from './setup.ts';

interface SwitchoverOptions extends ClusterOptions {
  readonly to?: string;
}

const ANSWER_MS_MAX = 1000;
const POLL_MS = 10;

/** `holdfast switchover`: the primary role goes to a standby, without a failed call. */
export function addSwitchoverCommand(setup: CommandSetup): void {
  const { context } = setup;
  const command = withClusterOptions(
    addCommand(setup, 'switchover', 'hand the primary role over to a standby'),
  )
    .option('--to <node>', 'to this one (default: the one that is furthest)')
    .action((options: SwitchoverOptions) => switchover(options, context));
  examples(command, context, ['switchover', 'switchover --to n3']);
}

async function switchover(options: SwitchoverOptions, context: Context): Promise<void> {
  const { output } = context;
  const nodes = await clusterNodes(clusterOf(options, context), options.timeout);
  const { url, status: old } = await findPrimary(nodes, Math.min(options.timeout, ANSWER_MS_MAX));
  const startedAt = performance.now();
  await callHttp(url, '/v1/switchover', {
    method: 'POST',
    body: options.to === undefined ? {} : { target: options.to },
    timeoutMs: options.timeout,
  });
  const { id, term } = await successorOf(old, nodes, startedAt + options.timeout);
  const ms = Math.round(performance.now() - startedAt);
  if (options.json === true) output.json({ from: old.id, primary: id, term, ms });
  else output.words(`${old.id} handed over to ${id} in term ${term}, after ${ms} ms`);
}

/** The old primary answers when it has let go: who took over, it may not have heard yet. */
async function successorOf(
  old: NodeStatus,
  nodes: readonly SilentNode[],
  until: number,
): Promise<NodeStatus> {
  for (;;) {
    const statuses = await fetchStatuses(nodes, ANSWER_MS_MAX);
    const next = currentPrimary([...statuses.values()]);
    if (next !== undefined && next.term > old.term) return next;
    if (performance.now() > until) {
      const message = `${old.id} handed over, but no node is primary yet`;
      throw new HoldfastError('HOLDFAST_NO_PRIMARY', message, { outcome: 'applied' });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
