import { assertNever, HoldfastError } from '@holdfast/types';
import { EXIT, type ExitStatus, exitStatusOf } from '../exit-codes.ts';
import { describeError } from '../hints.ts';
import type { Output } from '../output.ts';
import { escaped, fromBytes } from '../values.ts';
import type { DivergedEntry } from './diverged-entries.ts';
import { endsRun, type ReapplyResult } from './reapply.ts';

const COUNTED = [
  ['reapplied', 'applied again'],
  ['repeated', 'applied again before'],
  ['survived', 'carried out all the same, by a repeat of its client'],
  ['partial', 'applied again in part: a key of the rest was written since'],
  ['begun', 'left out: another attempt of the call is there in part'],
  ['conflict', 'left out: the key was written since'],
  ['undecided', 'left out: nobody knows whether it survived'],
  ['failed', 'met an error'],
] as const satisfies readonly (readonly [ReapplyResult['kind'], string])[];

/** The worst of them: a write that failed is told as a command of its own would be, one that was left out as refused. */
export function statusOf(results: readonly ReapplyResult[]): ExitStatus {
  const statuses = results.map((result): ExitStatus => {
    if (result.kind !== 'failed') return whyLeftOut(result) === undefined ? EXIT.done : EXIT.refused;
    // Some of it was done.
    if (result.keys > 0) return EXIT.unknown;
    return endsRun(result) ? exitStatusOf(result.error) : EXIT.refused;
  });
  return worstOf(statuses);
}

export function worstOf(statuses: readonly ExitStatus[]): ExitStatus {
  return statuses.reduce((worst, status) => Math.max(worst, status) as ExitStatus, EXIT.done as ExitStatus);
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
      const error = result.kind === 'failed' ? told(result.error) : {};
      output.json({ id, write, result: result.kind, ...result, ...key, ...error, kind: undefined });
    }
    if (results.some(endsRun)) output.words(notTried(id, writes.length - results.length));
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
  if (results.some(endsRun)) output.words(notTried(id, writes.length - results.length));
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
    case 'failed':
      return `${describeError(result.error)}; ${afterFailure(result)}`;
    case 'reapplied':
    case 'repeated':
    case 'survived':
      return undefined;
    default:
      return assertNever(result);
  }
}

/** What is applied again is so once, however often that is tried. */
function afterFailure({ keys, error }: Extract<ReapplyResult, { kind: 'failed' }>): string {
  const rest = told(error).outcome === 'not-applied' ? 'are not' : 'may be';
  if (keys > 0) return `${keys} keys of the write are there again, the others ${rest}; do it again`;
  return rest === 'are not' ? 'nothing was done' : 'it may be there again; do it again, it is written once';
}

function notTried(id: string, count: number): string {
  return `${id}: ended there: ${count} more of its writes were not tried, nor any entry behind it`;
}

function told(error: unknown): {
  readonly error: string;
  readonly message: string;
  readonly outcome: string;
} {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  const outcome = error instanceof HoldfastError ? error.outcome : 'unknown';
  return { error: code ?? 'FAILED', message, outcome };
}

function since({ key, revision }: { readonly key: Buffer; readonly revision: number }): string {
  return `HOLDFAST_CONFLICT: ${shown(key)} was written since, at revision ${revision}`;
}

/** Text, or hexadecimal digits where it is none. */
export function shown(bytes: Buffer): string {
  const text = fromBytes(bytes, 'utf8');
  return text === undefined ? `0x${bytes.toString('hex')}` : escaped(text);
}
