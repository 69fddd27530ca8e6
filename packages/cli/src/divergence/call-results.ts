import { setTimeout as wait } from 'node:timers/promises';
import type { NodeResults } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { callHttp } from '../node-http.ts';
import type { SilentNode } from '../node-row.ts';
import type { DivergedWrite } from './diverged-entries.ts';

type CallName = Pick<DivergedWrite, 'session' | 'sequence'>;

/** So many are asked for at a time: they are named in the address. */
const CALLS_MAX = 200;
const RETRY_MS = 50;

/**
 * Of each call, whether the log that won has its result: it was carried out there, or refused, and its client was or is told
 * so. Once its client has the answer, or its session is over, nobody knows any more. As of `revision` or later. Rejects with
 * HOLDFAST_NOT_READY if no node has come so far within `timeoutMs`.
 */
export async function fetchSurvived(
  nodes: readonly SilentNode[],
  calls: readonly CallName[],
  { revision, timeoutMs }: { readonly revision: number; readonly timeoutMs: number },
): Promise<boolean[]> {
  const survived: boolean[] = [];
  const until = performance.now() + timeoutMs;
  for (let at = 0; at < calls.length; ) {
    const found = await ask(nodes, calls.slice(at, at + CALLS_MAX), { revision, timeoutMs });
    if (found !== undefined) {
      survived.push(...found);
      at += CALLS_MAX;
      continue;
    }
    if (performance.now() >= until) {
      const message = 'no node that is up to date tells what became of the calls of the lost writes';
      throw new HoldfastError('HOLDFAST_NOT_READY', message);
    }
    await wait(RETRY_MS);
  }
  return survived;
}

/** Undefined: all that answer are behind. */
async function ask(
  nodes: readonly SilentNode[],
  calls: readonly CallName[],
  { revision, timeoutMs }: { readonly revision: number; readonly timeoutMs: number },
): Promise<boolean[] | undefined> {
  const of = calls.map(({ session, sequence }) => `${session}/${sequence}`).join(',');
  const answers = await Promise.all(
    nodes.map(({ url }) =>
      callHttp<NodeResults>(url, `/v1/results?of=${of}`, { timeoutMs }).catch(() => undefined),
    ),
  );
  const known = answers.filter((answer) => answer !== undefined);
  if (!known.some((answer) => answer.revision >= revision)) return undefined;
  // All results are of what is committed; a node that is behind still keeps what those ahead have let go.
  return calls.map((_, at) => known.some(({ results }) => results[at] === 'done'));
}
