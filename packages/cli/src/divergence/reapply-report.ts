import type { Output } from '../output.ts';
import { escaped, fromBytes } from '../values.ts';
import type { DivergedEntry } from './diverged-entries.ts';
import type { ReapplyResult } from './reapply.ts';

const COUNTED = [
  ['reapplied', 'applied again'],
  ['repeated', 'applied again before'],
  ['survived', 'carried out all the same, by a repeat of its client'],
  ['partial', 'applied again in part: a key of the rest was written since'],
  ['begun', 'left out: another attempt of the call is there in part'],
  ['conflict', 'left out: the key was written since'],
  ['undecided', 'left out: nobody knows whether it survived'],
] as const satisfies readonly (readonly [ReapplyResult['kind'], string])[];

/** Something of it is not there again. */
export function isLeftOut({ kind }: ReapplyResult): boolean {
  return kind === 'conflict' || kind === 'undecided' || kind === 'partial' || kind === 'begun';
}

/** What became of the writes of one entry, in their order. */
export function reportReapplied(
  { id, writes }: Pick<DivergedEntry, 'id' | 'writes'>,
  results: readonly ReapplyResult[],
  { output, json }: { readonly output: Output; readonly json: boolean },
): void {
  if (json) {
    for (const [at, result] of results.entries()) {
      const key = 'key' in result ? { key: result.key.toString('base64'), encoding: 'base64' } : {};
      const write = writes[at]?.place;
      output.json({ id, write, result: result.kind, ...result, ...key, kind: undefined });
    }
    return;
  }
  const counts = COUNTED.map(([kind, words]) => {
    const count = results.filter((result) => result.kind === kind).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  output.words(`${id}: of ${results.length} writes ${counts.flat().join(', ')}`);
  for (const [at, result] of results.entries()) {
    const why = whyLeftOut(result);
    if (why !== undefined) output.words(`${id} write ${writes[at]?.place}: ${why}`);
  }
}

function whyLeftOut(result: ReapplyResult): string | undefined {
  switch (result.kind) {
    case 'conflict':
      return `${since(result)}; nothing was done (--force writes it)`;
    case 'undecided':
      return 'nobody was told that it was done, and its client may have repeated it; nothing was done (--force writes it)';
    case 'partial':
      return `${since(result)}; a part of the write is there again, ${result.open} keys of it are not (--force writes them)`;
    case 'begun':
      return `an attempt of the same call is there again in part, which only ${result.by} can bring to its end; nothing was done`;
    default:
      return undefined;
  }
}

function since({ key, revision }: { readonly key: Buffer; readonly revision: number }): string {
  return `HOLDFAST_CONFLICT: ${shown(key)} was written since, at revision ${revision}`;
}

/** Text, or hexadecimal digits where it is none. */
export function shown(bytes: Buffer): string {
  const text = fromBytes(bytes, 'utf8');
  return text === undefined ? `0x${bytes.toString('hex')}` : escaped(text);
}
