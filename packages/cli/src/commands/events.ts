import type { NodeEvent } from '@holdfast/server';
import { HoldfastError } from '@holdfast/types';
import { ClusterWatch, type WatchedNode } from '../cluster/cluster-watch.ts';
import { clusterNodes } from '../cluster-nodes.ts';
import type { Context } from '../context.ts';
import { readEvents } from '../node-http.ts';
import { clockTime, eventText } from '../render/event-text.ts';
import { type Paint, paintFor } from '../render/style.ts';
import { untilSignal } from '../signals.ts';
import {
  addCommand,
  type ClusterOptions,
  type CommandSetup,
  clusterOf,
  examples,
  withClusterOptions,
} from './setup.ts';

interface EventsOptions extends ClusterOptions {
  readonly follow?: true;
}

interface SeenEvent {
  readonly node: string;
  readonly event: NodeEvent;
}

/** `holdfast events`: what happened, on all nodes, in the order of their clocks. */
export function addEventsCommand(setup: CommandSetup): void {
  const { context } = setup;
  const command = withClusterOptions(addCommand(setup, 'events', 'what happened on the nodes, newest last'))
    .option('--follow', 'and what happens from now on, until Ctrl-C')
    .action((options: EventsOptions) => events(options, context));
  examples(command, context, ['events', 'events --follow', 'events --json | jq .kind']);
}

async function events(options: EventsOptions, context: Context): Promise<void> {
  const { output } = context;
  const paint = paintFor(output.hasColour);
  const nodes = await clusterNodes(clusterOf(options, context), Math.min(options.timeout, 1000));
  const ids = Math.max(...nodes.map(({ id, url }) => (id ?? url).length));
  const print = ({ node, event }: SeenEvent): void => {
    if (options.json === true) output.json({ node, ...event });
    else output.line(eventLine({ node, event }, ids, paint));
  };
  if (options.follow === true) return await follow(nodes, print);
  const past = await pastEvents(nodes, options.timeout);
  for (const seen of past) print(seen);
}

async function follow(nodes: readonly WatchedNode[], print: (seen: SeenEvent) => void): Promise<void> {
  const signal = untilSignal();
  const sorter = new Sorter(print);
  const watch = new ClusterWatch({
    nodes,
    onEvent: (node, event) => sorter.add({ node: node.id ?? node.url, event }),
  });
  await signal.given;
  watch.close();
  sorter.flush();
  signal.close();
}

async function pastEvents(nodes: readonly WatchedNode[], timeoutMs: number): Promise<SeenEvent[]> {
  const seen: SeenEvent[] = [];
  const answers = await Promise.all(nodes.map((node) => readPast(node, timeoutMs, seen)));
  if (!answers.includes(true)) throw new HoldfastError('HOLDFAST_NO_PRIMARY', 'no node answers');
  return seen.sort((left, right) => left.event.wallTime - right.event.wallTime);
}

/** False if the node does not answer. */
function readPast(node: WatchedNode, timeoutMs: number, seen: SeenEvent[]): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      cut();
      resolve(false);
    }, timeoutMs);
    const cut = readEvents(node.url, {
      follow: false,
      onEvent: (event) => seen.push({ node: node.id ?? node.url, event }),
      onEnd: (error) => {
        clearTimeout(timer);
        resolve(error === undefined);
      },
    });
  });
}

/** Events of several nodes come in any order: each is held back for an instant and let out by its time. */
class Sorter {
  readonly #print: (seen: SeenEvent) => void;
  #held: SeenEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(print: (seen: SeenEvent) => void) {
    this.#print = print;
  }

  add(seen: SeenEvent): void {
    this.#held.push(seen);
    this.#timer ??= setTimeout(() => this.flush(), 100);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held.sort((left, right) => left.event.wallTime - right.event.wallTime);
    this.#held = [];
    for (const seen of held) this.#print(seen);
  }
}

function eventLine({ node, event }: SeenEvent, width: number, paint: Paint): string {
  return `${paint('dim', clockTime(event.wallTime))}  ${node.padEnd(width)}  ${eventText(node, event)}`;
}
