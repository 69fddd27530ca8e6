import type { NodeStatus } from '@holdfast/server';
import type { Context } from '../context.ts';
import { type NodeRow, nodeRows } from '../node-row.ts';
import { clockTime } from '../render/event-text.ts';
import { LiveScreen } from '../render/live-screen.ts';
import { type Paint, paintFor } from '../render/style.ts';
import { tryLines, upLines } from '../render/up-lines.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { LocalCluster, urlOf } from './local-cluster.ts';
import type { PreparedCluster } from './prepare-cluster.ts';

const STATUS_MS = 250;
const DRAW_MS = 100;

export interface UpSessionOptions {
  readonly context: Context;
  readonly prepared: PreparedCluster;
  readonly directory: string;
  /** As the user would write it. */
  readonly shownDirectory: string;
}

/** One run of `up`: starts the nodes, shows what they do, stops them when it is told to. */
export class UpSession {
  readonly cluster: LocalCluster;
  readonly #options: UpSessionOptions;
  readonly #paint: Paint;
  readonly #journal: Journal;
  readonly #screen: LiveScreen | undefined;
  readonly #nodes: readonly { readonly id: string; readonly url: string }[];
  #statuses: ReadonlyMap<string, NodeStatus | undefined> = new Map();
  /** Processes that have answered since they were started. */
  readonly #answered = new Set<number>();
  #hasBeenReady = false;
  #closing: string | undefined;
  #over!: () => void;
  #isAllGone = false;

  constructor(options: UpSessionOptions) {
    const { context, prepared, directory } = options;
    const { output } = context;
    this.#options = options;
    this.#paint = paintFor(output.hasColour);
    this.#nodes = prepared.nodes.map((node) => ({ id: node.id, url: urlOf(node) }));
    this.#screen = output.isLive ? new LiveScreen(output.stdout) : undefined;
    this.#journal = new Journal((entry) => this.#onLine(entry));
    this.cluster = new LocalCluster({
      directory,
      nodes: prepared.nodes,
      ack: prepared.ack,
      program: context.program,
      env: context.env,
      onChange: (change) => {
        this.#journal.process(change);
        if (!this.cluster.hasRunning) this.#onAllGone();
      },
    });
  }

  /** Resolves when all nodes have ended: true if that was wanted, false if they ended by themselves at the start. */
  async run(): Promise<boolean> {
    const over = new Promise<void>((resolve) => {
      this.#over = resolve;
    });
    const signals = this.#listenToSignals();
    if (this.#screen === undefined) this.#introduce();
    this.cluster.startAll();
    const watch = new ClusterWatch({
      nodes: this.#nodes,
      statusMs: STATUS_MS,
      onEvent: (node, event) => {
        // While all of them stop, they still elect each other for an instant.
        if (this.#closing === undefined) this.#journal.event(node.id ?? node.url, event);
      },
      onStatuses: (statuses) => this.#onStatuses(statuses),
    });
    const drawing = setInterval(() => this.#tick(), DRAW_MS);
    await over;
    this.#closing = 'stopping all nodes …';
    this.#tick();
    await this.cluster.stopAll();
    watch.close();
    clearInterval(drawing);
    for (const remove of signals) remove();
    this.#leave();
    return !this.#isAllGone;
  }

  #listenToSignals(): (() => void)[] {
    let isStopping = false;
    const stop = (): void => {
      // Whoever asks twice is in a hurry.
      if (isStopping) this.cluster.killAll();
      isStopping = true;
      this.#over();
    };
    this.#options.context.output.onReaderGone = () => this.#over();
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    return names.map((name) => {
      process.on(name, stop);
      return () => process.off(name, stop);
    });
  }

  /** None of them ever came up: there is nothing to show and nothing to order. Later, `start` brings one back. */
  #onAllGone(): void {
    if (this.#hasBeenReady || this.#closing !== undefined) return;
    this.#isAllGone = true;
    this.#over();
  }

  #onStatuses(statuses: ReadonlyMap<string, NodeStatus | undefined>): void {
    this.#statuses = statuses;
    for (const status of statuses.values()) if (status !== undefined) this.#answered.add(status.pid);
    const isReady = [...statuses.values()].some((status) => status?.admitting === true);
    if (!isReady || this.#hasBeenReady) return;
    this.#hasBeenReady = true;
    if (this.#screen === undefined)
      for (const line of ['', ...tryLines(this.#picture(), this.#paint)]) this.#print(line);
  }

  #rows(): NodeRow[] {
    const states = new Map(this.cluster.states().map((state) => [state.id, state]));
    const silent = this.#nodes.map((node) => {
      const state = states.get(node.id);
      const pid = state?.pid ?? undefined;
      const isStarting = pid !== undefined && !this.#answered.has(pid);
      return { ...node, pid, isPaused: state?.state === 'paused', isStarting };
    });
    // What a node last said is not what it is: one that ended or is paused says nothing.
    const answers = new Map(
      this.#nodes.map(({ id, url }) => {
        const { state, pid } = states.get(id) ?? {};
        const status = this.#statuses.get(url);
        return [url, state === 'running' && status?.pid === pid ? status : undefined];
      }),
    );
    return nodeRows(silent, answers);
  }

  #picture(): Parameters<typeof upLines>[0] {
    const { context, prepared, shownDirectory } = this.#options;
    return {
      rows: this.#rows(),
      entries: this.#journal.entries,
      directory: shownDirectory,
      ack: prepared.ack,
      commandName: context.commandName,
      isStarting: !this.#hasBeenReady,
      closing: this.#closing,
    };
  }

  #tick(): void {
    this.#journal.settle(Date.now());
    const screen = this.#screen;
    screen?.draw(
      upLines(this.#picture(), { columns: screen.columns, linesMax: screen.linesMax, paint: this.#paint }),
    );
  }

  #leave(): void {
    const { output } = this.#options.context;
    const { shownDirectory } = this.#options;
    this.#closing = `all nodes are stopped; their data stays in ${shownDirectory}`;
    if (this.#screen === undefined) this.#print(this.#closing);
    this.#tick();
    this.#screen?.close();
    if (!this.#isAllGone) return;
    for (const { id, reason } of this.cluster.states())
      output.words(`${id} ended: ${reason ?? 'no reason known'}`);
  }

  #introduce(): void {
    const { prepared, shownDirectory } = this.#options;
    const kept = prepared.isNew ? '' : ', with the data of earlier runs';
    this.#print(
      `Holdfast: ${this.#nodes.length} nodes in ${shownDirectory}${kept}, acknowledged at ${prepared.ack}`,
    );
    for (const { id, url } of this.#nodes) this.#print(`  ${id}  ${url}`);
  }

  #onLine(entry: JournalEntry): void {
    if (this.#screen === undefined) this.#print(`${clockTime(entry.at)}  ${entry.text}`);
  }

  #print(line: string): void {
    this.#options.context.output.line(line);
  }
}
