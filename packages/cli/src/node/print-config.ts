import { describeConfig, environmentNameOf, flagOf } from '@holdfast/server';
import type { Context } from '../context.ts';
import { paintFor } from '../render/style.ts';
import { tableLines } from '../render/table.ts';
import { readNodeOptions } from './node-options.ts';

const EXAMPLES = ['config --id n1 --data ./n1', 'config --config /etc/holdfast.json --json'];

/** One line for each option: its value, and the flag, variable or file that it came from. */
export async function printConfig(args: readonly string[], context: Context): Promise<void> {
  const { loaded, json } = readNodeOptions('config', args, context, EXAMPLES);
  const { output } = context;
  const lines = describeConfig(loaded);
  if (json) {
    for (const { key, value, origin } of lines) {
      output.json({ key, value, origin, flag: flagOf(key), variable: environmentNameOf(key) });
    }
    return;
  }
  const paint = paintFor(output.hasColour);
  const rows = lines.map(({ key, value, origin }) => [
    flagOf(key).slice(2),
    value === '' ? '-' : value,
    origin === 'default' || origin === 'not set' ? paint('dim', origin) : origin,
  ]);
  const [head = '', ...others] = tableLines(
    [{ title: 'option' }, { title: 'value' }, { title: 'from' }],
    rows,
  );
  output.line(paint('dim', head));
  for (const line of others) output.line(line);
}
