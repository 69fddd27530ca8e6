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
/** Of one node: the others are waited for as long. */
const ANSWER_MS_MAX = 2000;

/** Asks nodes what became of calls. One that does not answer while another does is not asked again. */
export class CallResults {
  readonly #timeoutMs: number;
  #nodes: readonly SilentNode[];

  constructor(nodes: readonly SilentNode[], timeoutMs: number) {
    this.#nodes = nodes;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Of each call, whether the log that won has its result: it was carried out there, or refused, and its client was or is told
   * so. Once its client has the answer, or its session is over, nobody knows any more. As of `revision` or later. Rejects with
   * HOLDFAST_NOT_READY if no node has come so far in time.
   */
  async survived(calls: readonly CallName[], revision: number): Promise<boolean[]> {
    const survived: boolean[] = [];
    const until = performance.now() + this.#timeoutMs;
    for (let at = 0; at < calls.length; ) {
      const found = await this.#ask(calls.slice(at, at + CALLS_MAX), revision);
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
  async #ask(calls: readonly CallName[], revision: number): Promise<boolean[] | undefined> {
    const path = `/v1/results?of=${calls.map(({ session, sequence }) => `${session}/${sequence}`).join(',')}`;
    const timeoutMs = Math.min(this.#timeoutMs, ANSWER_MS_MAX);
    const answers = await Promise.all(
      this.#nodes.map(async (node) => {
        const answer = await callHttp<NodeResults>(node.url, path, { timeoutMs }).catch(() => undefined);
        return answer === undefined ? [] : [{ node, answer }];
      }),
    );
    const known = answers.flat();
    if (!known.some(({ answer }) => answer.revision >= revision)) return undefined;
    this.#nodes = known.map(({ node }) => node);
    // All results are of what is committed; a node that is behind still keeps what those ahead have let go.
    return calls.map((_, at) => known.some(({ answer }) => answer.results[at] === 'done'));
  }
}
