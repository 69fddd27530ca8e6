import { flushCompileCache } from 'node:module';
import { loadConfig, Node, systemSeams } from '@holdfast/server';
import type { Context } from '../context.ts';
import { describeError } from '../hints.ts';
import { readNodeOptions } from './node-options.ts';

/** A stop that takes longer is not waited for when the parent is gone: nobody would end this process otherwise. */
const ORPHAN_MS_MAX = 10_000;

const EXAMPLES = [
  'node --id n1 --listen 127.0.0.1:7101 --data ./n1 --peers n1=127.0.0.1:7101,n2=127.0.0.1:7102,n3=127.0.0.1:7103',
  'node --config /etc/holdfast.json --log-level warn',
];

/** Runs one node until it is told to stop. False: it could not go on, and has said why. */
export async function runNode(args: readonly string[], context: Context): Promise<boolean> {
  const { sources, stopWithParent } = readNodeOptions('node', args, context, EXAMPLES);
  const { config } = loadConfig(sources);
  // Logs nobody reads any more are no reason to end; a parent that is gone shows on stdin.
  context.output.onReaderGone = () => {};
  const ending = new Ending();
  if (stopWithParent) ending.watchParent(context.stdin);
  // Node would keep what was compiled at an orderly end only, and a node that was killed is started again in half the time.
  flushCompileCache();
  const node = await Node.start(config, systemSeams(), { rehearses: true });
  ending.onOrder((handOver) => void node.stop({ handOver }));
  const error = await node.stopped;
  if (error !== undefined) context.output.words(describeError(error));
  return error === undefined;
}

/** Orders to end: signals, and the end of the pipe to the parent. They may come before the node has started. */
class Ending {
  #ordered: { handOver: boolean } | undefined;
  #listener: ((handOver: boolean) => void) | undefined;

  constructor() {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.#order(true));
  }

  onOrder(listener: (handOver: boolean) => void): void {
    this.#listener = listener;
    if (this.#ordered !== undefined) listener(this.#ordered.handOver);
  }

  watchParent(stdin: Context['stdin']): void {
    const onGone = (): void => {
      setTimeout(() => process.exit(1), ORPHAN_MS_MAX).unref();
      // All nodes of this parent end now: whoever took over would end next.
      this.#order(false);
    };
    stdin.once('close', onGone);
    stdin.once('end', onGone);
    stdin.once('error', onGone);
    stdin.resume();
  }

  #order(handOver: boolean): void {
    if (this.#ordered !== undefined) return;
    this.#ordered = { handOver };
    this.#listener?.(handOver);
  }
}
