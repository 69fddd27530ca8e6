import { HoldfastError } from '@holdfast/types';
import type { NodeOrder } from '../cluster/control-server.ts';
import { askInstance, type Instance, isRunning, readInstance } from '../cluster/instance-file.ts';
import type { NodeProcessState } from '../cluster/node-process.ts';
import type { Context } from '../context.ts';
import { findDirectory } from '../find-cluster.ts';
import { addCommand, type CommandSetup, examples } from './setup.ts';

const ORDER_MS_MAX = 40_000;

const ORDERS: Readonly<
  Record<NodeOrder, { description: string; done: (state: NodeProcessState) => string }>
> = {
  kill: { description: 'end nodes at once (SIGKILL), as a crash would', done: ({ id }) => `${id} is killed` },
  pause: {
    description: 'let nodes hang (SIGSTOP): their sockets stay open',
    done: ({ id }) => `${id} is paused`,
  },
  resume: { description: 'let paused nodes go on (SIGCONT)', done: ({ id }) => `${id} goes on` },
  start: { description: 'start nodes that ended', done: ({ id, url }) => `${id} runs at ${url}` },
  stop: {
    description: 'stop nodes in order (SIGTERM): a primary hands over first',
    done: ({ id }) => `${id} is stopped`,
  },
};

/** Orders that the running `up` carries out on its nodes. */
export function addOrderCommands(setup: CommandSetup): void {
  const { context } = setup;
  for (const [order, { description }] of Object.entries(ORDERS) as [
    NodeOrder,
    (typeof ORDERS)[NodeOrder],
  ][]) {
    const command = addCommand(setup, `${order} <nodes...>`, description)
      .option('--json', 'one JSON object per node')
      .action((ids: string[], options: { json?: true }) => carryOut(order, ids, options, context));
    examples(command, context, [`${order} n2`, `${order} n2 n3`]);
  }
}

async function carryOut(
  order: NodeOrder,
  ids: readonly string[],
  options: { json?: true },
  context: Context,
): Promise<void> {
  const instance = await runningInstance(context);
  for (const id of ids) {
    const path = `/nodes/${encodeURIComponent(id)}/${order}`;
    const state = await askInstance<NodeProcessState>(instance, path, ORDER_MS_MAX, 'POST');
    if (options.json === true) context.output.json(state);
    else context.output.words(ORDERS[order].done(state));
  }
}

async function runningInstance({ directory, commandName }: Context): Promise<Instance> {
  const place = findDirectory(directory);
  const instance = place === undefined ? undefined : readInstance(place);
  if (instance !== undefined && (await isRunning(instance))) return instance;
  const where = place === undefined ? `${directory} or above` : place;
  throw new HoldfastError(
    'HOLDFAST_NOT_READY',
    `no "holdfast up" runs in ${where}; start one with: ${commandName} up`,
  );
}
