import {
  type ConfigLine,
  configRefusal,
  describeConfig,
  environmentNameOf,
  flagOf,
  readConfig,
} from '@holdfast/server';
import type { Context } from '../context.ts';
import { describeError } from '../hints.ts';
import { paintFor } from '../render/style.ts';
import { printTable } from '../render/table.ts';
import { readNodeOptions } from './node-options.ts';

const EXAMPLES = ['config --id n1 --data ./n1', 'config --config /etc/holdfast.json --json'];

/**
 * One line for each option: its value, and the flag, variable or file that it came from. False: a node would not
 * start with it, and stderr says why; what could be understood is shown all the same.
 */
export async function printConfig(args: readonly string[], context: Context): Promise<boolean> {
  const { sources, json } = readNodeOptions('config', args, context, EXAMPLES);
  const { problems, ...read } = readConfig(sources);
  if (json) printJson(describeConfig(read), context);
  else printOptions(describeConfig(read), context);
  if (problems.length > 0) context.output.words(describeError(configRefusal(problems)));
  return problems.length === 0;
}

function printJson(lines: readonly ConfigLine[], { output }: Context): void {
  for (const { key, value, origin } of lines) {
    output.json({ key, value, origin, flag: flagOf(key), variable: environmentNameOf(key) });
  }
}

function printOptions(lines: readonly ConfigLine[], { output }: Context): void {
  const paint = paintFor(output.hasColour);
  const rows = lines.map(({ key, value, origin }) => [
    flagOf(key).slice(2),
    value === '' ? '-' : value,
    origin === 'default' || origin === 'not set' ? paint('dim', origin) : origin,
  ]);
  printTable(output, ['option', 'value', 'from'], rows);
}
