import { HoldfastError } from '@holdfast/types';
import type { ControlState, NodeOrder } from '../cluster/control-server.ts';
import { askInstance, type Instance, isRunning, readInstance } from '../cluster/instance-file.ts';
import type { NodeProcessState } from '../cluster/node-process.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { findDirectory } from '../find-cluster.ts';
import { describeError } from '../hints.ts';
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
  const { context, onStatus } = setup;
  for (const [order, { description }] of Object.entries(ORDERS) as [
    NodeOrder,
    (typeof ORDERS)[NodeOrder],
  ][]) {
    const command = addCommand(setup, `${order} <nodes...>`, description)
      .option('--json', 'one JSON object per node')
      .action(async (ids: string[], options: { json?: true }) =>
        onStatus(await carryOut(order, ids, options, context)),
      );
    examples(command, context, [`${order} n2`, `${order} n2 n3`]);
  }
}

/** What one node refuses does not keep the others from being told. */
async function carryOut(
  order: NodeOrder,
  ids: readonly string[],
  options: { json?: true },
  context: Context,
): Promise<ExitStatus> {
  const instance = await runningInstance(context);
  await checkIds(ids, instance);
  let status: ExitStatus = EXIT.done;
  for (const id of ids) {
    const path = `/nodes/${encodeURIComponent(id)}/${order}`;
    try {
      const state = await askInstance<NodeProcessState>(instance, path, ORDER_MS_MAX, 'POST');
      if (options.json === true) context.output.json(state);
      else context.output.words(ORDERS[order].done(state));
    } catch (error) {
      // The order was well put; the state of the node is against it.
      if (!(error instanceof HoldfastError && error.code === 'HOLDFAST_INVALID_ARGUMENT')) throw error;
      context.output.words(describeError(error));
      status = EXIT.refused;
    }
  }
  return status;
}

/** Before the first order: `kill n2 n33` is a slip, and kills nobody. */
async function checkIds(ids: readonly string[], instance: Instance): Promise<void> {
  const { nodes } = await askInstance<ControlState>(instance, '/state', ORDER_MS_MAX);
  const unknown = ids.find((id) => !nodes.some((node) => node.id === id));
  if (unknown === undefined) return;
  throw new HoldfastError(
    'HOLDFAST_INVALID_ARGUMENT',
    `there is no node ${JSON.stringify(unknown)}: the nodes are ${nodes.map(({ id }) => id).join(', ')}`,
  );
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
