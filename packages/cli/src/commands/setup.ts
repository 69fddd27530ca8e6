import { type Command, Option } from 'commander';
import type { Context } from '../context.ts';
import type { ExitStatus } from '../exit-codes.ts';
import { type FoundCluster, findCluster } from '../find-cluster.ts';
import { durationMs } from '../values.ts';

/** What every file of commands is given. */
export interface CommandSetup {
  readonly program: Command;
  readonly context: Context;
  readonly onStatus: (status: ExitStatus) => void;
}

/** Options of every command that talks to a cluster. */
export interface ClusterOptions {
  readonly url?: string;
  readonly timeout: number;
  readonly json?: true;
}

export function withClusterOptions(command: Command): Command {
  return command
    .option('--url <urls>', 'addresses of nodes, ws://host:port, separated by commas')
    .addOption(
      new Option('--timeout <duration>', 'give up after this time').argParser(durationMs).default(5000, '5s'),
    )
    .option('--json', 'one JSON object per line');
}

export function clusterOf(options: Pick<ClusterOptions, 'url'>, context: Context): FoundCluster {
  return findCluster({ url: options.url, env: context.env, directory: context.directory });
}

/** Shown below `--help`, as they would be typed here. */
export function examples(command: Command, { commandName }: Context, lines: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${commandName} ${line}`).join('\n')}`);
}

/** A new command that says how to get help when it is used in a wrong way. */
export function addCommand({ program, context }: CommandSetup, usage: string, description: string): Command {
  const name = usage.split(' ')[0] as string;
  const command = program.command(usage).description(description);
  return command.showHelpAfterError(`(${context.commandName} ${helpPath(program, name)} --help shows how)`);
}

function helpPath(program: Command, name: string): string {
  return program.parent === null ? name : `${program.name()} ${name}`;
}
