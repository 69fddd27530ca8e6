import { clusterNodes, findPrimary } from '../cluster-nodes.ts';
import type { Context } from '../context.ts';
import { callHttp } from '../node-http.ts';
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
  const { url, status } = await findPrimary(nodes, Math.min(options.timeout, 1000));
  const startedAt = performance.now();
  const answer = await callHttp<{ primary?: string; term: number }>(url, '/v1/switchover', {
    method: 'POST',
    body: options.to === undefined ? {} : { target: options.to },
    timeoutMs: options.timeout,
  });
  const ms = Math.round(performance.now() - startedAt);
  const primary = answer.primary ?? options.to ?? null;
  if (options.json === true) output.json({ from: status.id, primary, term: answer.term, ms });
  else if (primary === status.id) output.words(`${primary} is primary already`);
  else
    output.words(
      `${status.id} handed over to ${primary ?? 'a standby'} in term ${answer.term}, after ${ms} ms`,
    );
}
