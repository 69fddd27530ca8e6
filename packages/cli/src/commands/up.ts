import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { type Ack, HoldfastError } from '@holdfast/types';
import { Option } from 'commander';
import { nodesWithData } from '../cluster/cluster-file.ts';
import { ControlServer, type ControlState } from '../cluster/control-server.ts';
import { claimDirectory, type Instance, releaseDirectory } from '../cluster/instance-file.ts';
import { prepareCluster, wipeCluster } from '../cluster/prepare-cluster.ts';
import { UpSession } from '../cluster/up-session.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { CLUSTER_DIRECTORY } from '../find-cluster.ts';
import { wholeNumber } from '../values.ts';
import { addCommand, type CommandSetup, examples } from './setup.ts';

interface UpOptions {
  readonly nodes?: number;
  readonly ack?: Ack;
  readonly fresh?: true;
  readonly yes?: true;
}

/** `holdfast up`: a cluster of child processes on this machine, kept between runs. */
export function addUpCommand(setup: CommandSetup): void {
  const { context, onStatus } = setup;
  const command = addCommand(setup, 'up', 'start a cluster on this machine and show it until Ctrl-C')
    .option('--nodes <count>', 'how many, when it is new (default: 3)', wholeNumber(1, 'a number of nodes'))
    .addOption(
      new Option('--ack <level>', 'level of writes that name none, kept (default: quorum)').choices([
        'local',
        'quorum',
        'all',
      ]),
    )
    .option('--fresh', 'delete the data of earlier runs first')
    .option('--yes', 'do not ask before deleting')
    .action(async (options: UpOptions) => onStatus(await up(options, context)));
  examples(command, context, ['up', 'up --nodes 5 --ack all', 'up --fresh --yes']);
  command.addHelpText(
    'after',
    `
The data lies in ./${CLUSTER_DIRECTORY} and stays. A node that ends is not restarted: "start n2" in a second
terminal does that. Ports that are taken are replaced by the next free ones, and remembered.`,
  );
}

async function up(options: UpOptions, context: Context): Promise<ExitStatus> {
  const { output } = context;
  const directory = join(context.directory, CLUSTER_DIRECTORY);
  const token = randomBytes(24).toString('base64url');
  let session: UpSession | undefined;
  const control = await ControlServer.open(
    {
      state: (): ControlState => ({ pid: process.pid, directory, nodes: session?.cluster.states() ?? [] }),
      order: (id, order) => {
        if (session === undefined) throw new HoldfastError('HOLDFAST_NOT_READY', 'holdfast up is starting');
        return session.cluster.order(id, order);
      },
    },
    token,
  );
  const instance: Instance = { pid: process.pid, url: control.url, token };
  try {
    await claimDirectory(directory, instance);
    try {
      if (options.fresh === true) await wipe(directory, options, context);
      const prepared = await prepareCluster({ directory, nodes: options.nodes, ack: options.ack });
      for (const { id, from, to } of prepared.moved) {
        output.words(`port ${from} is taken by another process: ${id} listens on ${to} from now on`);
      }
      session = new UpSession({ context, prepared, directory, shownDirectory: shown(directory, context) });
      return (await session.run()) ? EXIT.done : EXIT.refused;
    } finally {
      releaseDirectory(directory, instance);
    }
  } finally {
    control.close();
  }
}

async function wipe(directory: string, options: UpOptions, context: Context): Promise<void> {
  const nodes = nodesWithData(directory);
  if (nodes.length > 0) {
    const question = `This deletes the data of ${nodes.join(', ')} in ${shown(directory, context)}.`;
    await confirm(question, options.yes === true, context);
  }
  wipeCluster(directory);
}

function shown(directory: string, context: Context): string {
  return `./${relative(context.directory, directory)}`;
}
