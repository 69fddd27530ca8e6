import { join } from 'node:path';
import { type Ack, HoldfastError } from '@holdfast/types';
import { fetchStatus } from '../node-http.ts';
import type { LocalNode } from './cluster-file.ts';
import type { ControlView, NodeOrder } from './control-server.ts';
import { NodeProcess, type NodeProcessEnd, type NodeProcessState } from './node-process.ts';
import { StopGuard } from './stop-guard.ts';

const STOP_MS_MAX = 15_000;
const START_MS_MAX = 15_000;
const POLL_MS = 20;

/** What became of a node's process. `at` in milliseconds since 1970. */
export type ProcessChange =
  | {
      readonly kind: 'started' | 'paused' | 'resumed' | 'stopping';
      readonly node: string;
      readonly at: number;
    }
  | {
      readonly kind: 'ended';
      readonly node: string;
      readonly at: number;
      readonly reason: string;
      /** Ordered to stop, by this or by Ctrl-C; not: killed, or it ended by itself. */
      readonly isOrderly: boolean;
    };

export interface LocalClusterOptions {
  /** `.holdfast` */
  readonly directory: string;
  readonly nodes: readonly LocalNode[];
  readonly ack: Ack;
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onChange: (change: ProcessChange) => void;
}

/** The nodes of one `up`. Starts what it is told to and nothing else: a node that died stays dead. */
export class LocalCluster implements Pick<ControlView, 'order'> {
  readonly #options: LocalClusterOptions;
  readonly #guard = new StopGuard();
  readonly #processes = new Map<string, NodeProcess>();
  readonly #stopping = new Set<NodeProcess>();
  readonly #killedAt = new Map<NodeProcess, number>();

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  states(): NodeProcessState[] {
    return this.#options.nodes.map((node) => this.#stateOf(node));
  }

  get hasRunning(): boolean {
    return [...this.#processes.values()].some(({ end }) => end === undefined);
  }

  startAll(): void {
    for (const node of this.#options.nodes) this.#spawn(node);
  }

  async order(id: string, order: NodeOrder): Promise<NodeProcessState> {
    const node = this.#nodeOf(id);
    if (order === 'start') await this.#start(node);
    else await this.#command(node, order, this.#runningOf(id));
    return this.#stateOf(node);
  }

  /** Ends all nodes, the paused ones too. Nothing is handed over: there is nobody to hand it to. */
  async stopAll(): Promise<void> {
    const running = [...this.#processes.values()].filter(({ end }) => end === undefined);
    await Promise.all(
      running.map((process) => {
        this.#stopping.add(process);
        process.signal('SIGCONT');
        process.release();
        return endWithin(process, STOP_MS_MAX);
      }),
    );
    this.#guard.close();
  }

  /** At once, without a word to anybody. */
  killAll(): void {
    for (const process of this.#processes.values()) process.signal('SIGKILL');
    this.#guard.close();
  }

  async #command(node: LocalNode, order: Exclude<NodeOrder, 'start'>, process: NodeProcess): Promise<void> {
    const { id } = node;
    switch (order) {
      case 'kill':
        this.#killedAt.set(process, Date.now());
        process.signal('SIGKILL');
        await process.ended;
        return;
      case 'pause':
        if (process.isPaused) throw refused(`${id} is paused already`);
        this.#tell('paused', id);
        process.signal('SIGSTOP');
        await until(() => process.isPaused || process.end !== undefined, 1000);
        return;
      case 'resume':
        if (!process.isPaused) throw refused(`${id} is not paused`);
        process.signal('SIGCONT');
        this.#tell('resumed', id);
        return;
      case 'stop':
        this.#stopping.add(process);
        this.#tell('stopping', id);
        process.signal('SIGCONT');
        process.signal('SIGTERM');
        await endWithin(process, STOP_MS_MAX);
        return;
    }
  }

  async #start(node: LocalNode): Promise<void> {
    const current = this.#processes.get(node.id);
    if (current !== undefined && current.end === undefined) {
      throw refused(current.isPaused ? `${node.id} is paused: resume it` : `${node.id} runs already`);
    }
    const process = this.#spawn(node);
    const deadline = Date.now() + START_MS_MAX;
    while (process.end === undefined && Date.now() < deadline) {
      const answers = await fetchStatus(urlOf(node), 1000).catch(() => undefined);
      if (answers?.pid === process.pid) return;
      await pause(POLL_MS);
    }
    if (process.end !== undefined) throw refused(`${node.id} did not start: ${process.end.reason}`);
    throw new HoldfastError('HOLDFAST_DEADLINE_EXCEEDED', `${node.id} runs but does not answer yet`);
  }

  #spawn(node: LocalNode): NodeProcess {
    const { directory, nodes, ack, program, env } = this.#options;
    const peers = nodes.map((each) => `${each.id}=${urlOf(each)}`).join(',');
    const process = new NodeProcess({
      program,
      args: [
        ...['--id', node.id, '--listen', `127.0.0.1:${node.port}`, '--data', join(directory, node.id)],
        ...['--peers', peers, '--default-ack', ack, '--stop-with-parent'],
      ],
      // It is for one node: the others would be taken for it.
      env: { ...env, HOLDFAST_ADVERTISE: '' },
      logPath: join(directory, 'logs', `${node.id}.log`),
    });
    this.#processes.set(node.id, process);
    this.#tell('started', node.id);
    this.#watchRunning();
    void process.ended.then((end) => this.#onEnded(node.id, process, end));
    return process;
  }

  #onEnded(node: string, process: NodeProcess, end: NodeProcessEnd): void {
    this.#watchRunning();
    this.#options.onChange({
      kind: 'ended',
      node,
      // What others notice counts from the signal, not from when the system was done with it.
      at: this.#killedAt.get(process) ?? end.at,
      reason: end.reason,
      isOrderly: this.#stopping.has(process),
    });
  }

  #watchRunning(): void {
    const running = [...this.#processes.values()].filter(({ end }) => end === undefined);
    this.#guard.watch(running.flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
  }

  #tell(kind: 'started' | 'paused' | 'resumed' | 'stopping', node: string): void {
    this.#options.onChange({ kind, node, at: Date.now() });
  }

  #nodeOf(id: string): LocalNode {
    const node = this.#options.nodes.find((each) => each.id === id);
    if (node !== undefined) return node;
    const ids = this.#options.nodes.map((each) => each.id).join(', ');
    throw refused(`there is no node ${JSON.stringify(id)}: the nodes are ${ids}`);
  }

  #runningOf(id: string): NodeProcess {
    const process = this.#processes.get(id);
    if (process === undefined || process.end !== undefined) throw refused(`${id} does not run`);
    return process;
  }

  #stateOf(node: LocalNode): NodeProcessState {
    const process = this.#processes.get(node.id);
    const isEnded = process === undefined || process.end !== undefined;
    return {
      id: node.id,
      url: urlOf(node),
      pid: isEnded ? null : (process.pid ?? null),
      state: isEnded ? 'ended' : process.isPaused ? 'paused' : 'running',
      reason: process?.end?.reason ?? null,
    };
  }
}

export function urlOf(node: LocalNode): string {
  return `ws://127.0.0.1:${node.port}`;
}

function refused(reason: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INVALID_ARGUMENT', reason);
}

async function endWithin(process: NodeProcess, ms: number): Promise<void> {
  const timer = setTimeout(() => process.signal('SIGKILL'), ms);
  await process.ended;
  clearTimeout(timer);
}

async function until(condition: () => boolean, ms: number): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition() && Date.now() < deadline) await pause(POLL_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
