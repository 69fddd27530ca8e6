import { createInterface } from 'node:readline/promises';
import { HoldfastError } from '@holdfast/types';
import type { Context } from './context.ts';

/** Asks on a terminal; elsewhere `--yes` must have been given. Rejects when the answer is not yes. */
export async function confirm(question: string, isYes: boolean, context: Context): Promise<void> {
  if (isYes) return;
  const { stdin, output } = context;
  if (stdin.isTTY !== true || output.stderr.isTTY !== true) {
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `${question} Nobody is here to ask: give --yes`);
  }
  const lines = createInterface({ input: stdin, output: output.stderr as never });
  try {
    const answer = await lines.question(`${question} Go on? [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  throw new HoldfastError('HOLDFAST_ABORTED', 'nothing was done', { outcome: 'not-applied' });
}
