import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ConfigSources, environmentNameOf, flagOf, OPTION_KEYS, OPTIONS } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { Command, Option } from 'commander';
import { examples } from '../commands/setup.ts';
import type { Context } from '../context.ts';

/** What a person sets; the rest are bounds and timings that few ever touch. */
const COMMON = new Set([
  'id',
  'listen',
  'advertise',
  'data',
  'peers',
  'zone',
  'defaultAck',
  'allowedOrigins',
  'allowedHosts',
  'logLevel',
]);

export interface NodeFlags {
  readonly sources: ConfigSources;
  /** End when the pipe on stdin does. */
  readonly stopWithParent: boolean;
  readonly json: boolean;
}

/** Takes the command line apart. Throws HOLDFAST_INVALID_CONFIGURATION for a file that cannot be read, or what commander throws. */
export function readNodeOptions(
  name: 'node' | 'config',
  args: readonly string[],
  context: Context,
  lines: readonly string[],
): NodeFlags {
  const command = nodeCommand(name, context);
  examples(command, context, lines);
  command.parse([...args], { from: 'user' });
  const { config: path, stopWithParent, json, ...flags } = command.opts<Record<string, unknown>>();
  const file = configFile(typeof path === 'string' ? path : context.env.HOLDFAST_CONFIG, context);
  const sources = {
    flags: withPaths(flags, context),
    env: context.env,
    ...(file === undefined ? {} : { file }),
  };
  return { sources, stopWithParent: stopWithParent === true, json: json === true };
}

/** A directory in a flag is meant from where the user stands. */
function withPaths(flags: Record<string, unknown>, { directory }: Context): Record<string, unknown> {
  return typeof flags.data === 'string' && flags.data !== ''
    ? { ...flags, data: resolve(directory, flags.data) }
    : flags;
}

function nodeCommand(name: string, { output, commandName }: Context): Command {
  const command = new Command(`holdfast ${name}`)
    .description(
      name === 'node'
        ? 'Run one node until SIGTERM or SIGINT, which hand the primary role over first.'
        : 'Print what a node would run with, and where each value comes from.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      getOutHelpWidth: () => output.stdout.columns ?? 100,
    })
    .showHelpAfterError(`(${commandName} ${name} --help shows how)`)
    .option('--config <file>', 'a JSON file of options by their names in camelCase (HOLDFAST_CONFIG)');
  if (name === 'config') command.option('--json', 'one JSON object per line');
  command.addOption(new Option('--stop-with-parent').hideHelp());
  let isTuning = false;
  for (const key of OPTION_KEYS) {
    if (!COMMON.has(key) && !isTuning) {
      isTuning = true;
      command.optionsGroup('Timing and limits:');
    }
    const { accepts, byDefault } = OPTIONS[key];
    const standard =
      byDefault === undefined || typeof byDefault === 'object' ? '' : ` (default: ${byDefault})`;
    command.option(`${flagOf(key)} <value>`, `${accepts}${standard}`);
  }
  command.addHelpText(
    'after',
    `\nEach option can also be set in the environment, such as ${environmentNameOf('id')} or ${environmentNameOf('defaultAck')}.\nFlags win over the environment, that over the file, that over the defaults.`,
  );
  return command;
}

function configFile(
  path: string | undefined,
  { directory }: Context,
): { path: string; text: string } | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return { path, text: readFileSync(resolve(directory, path), 'utf8') };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError('HOLDFAST_INVALID_CONFIGURATION', `${path} cannot be read: ${reason}`, { cause });
  }
}
