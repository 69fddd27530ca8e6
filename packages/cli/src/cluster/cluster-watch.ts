import type { NodeEvent, NodeStatus } from '@holdfast/server';
import { fetchStatus, readEvents } from '../node-http.ts';

const RECONNECT_MS = 150;
const STATUS_MS_MAX = 1000;

export interface WatchedNode {
  readonly id: string | undefined;
  readonly url: string;
}

export interface ClusterWatchOptions {
  readonly nodes: readonly WatchedNode[];
  /** Time between two looks at the statuses, milliseconds; undefined: events only. */
  readonly statusMs?: number;
  /** Only what happens from now on. */
  readonly onlyNew?: boolean;
  onEvent(node: WatchedNode, event: NodeEvent): void;
  onMissed?(node: WatchedNode, missed: number): void;
  onStatuses?(statuses: ReadonlyMap<string, NodeStatus | undefined>): void;
}

/** Reads the events of all nodes, and their statuses, as long as it is open; nodes may come and go. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #endings = new Map<string, () => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #statuses = new Map<string, NodeStatus | undefined>();
  readonly #startedAt = Date.now();
  #isClosed = false;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
    for (const node of options.nodes) this.#follow(node, undefined);
    const { statusMs } = options;
    if (statusMs !== undefined) for (const { url } of options.nodes) void this.#look(url, statusMs);
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#endings.values()) end();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #follow(node: WatchedNode, after: string | undefined): void {
    let last = after;
    const { onEvent, onMissed, onlyNew } = this.#options;
    const end = readEvents(node.url, {
      after,
      follow: true,
      onEvent: (event, id) => {
        last = id;
        if (onlyNew !== true || event.wallTime >= this.#startedAt) onEvent(node, event);
      },
      onMissed: (missed) => onMissed?.(node, missed),
      onEnd: () => this.#later(RECONNECT_MS, () => this.#follow(node, last)),
    });
    this.#endings.set(node.url, end);
  }

  /** Each node by itself: one that does not answer keeps nobody from seeing the others. */
  async #look(url: string, everyMs: number): Promise<void> {
    const status = await fetchStatus(url, STATUS_MS_MAX).catch(() => undefined);
    if (this.#isClosed) return;
    this.#statuses.set(url, status);
    this.#options.onStatuses?.(this.#statuses);
    this.#later(everyMs, () => void this.#look(url, everyMs));
  }

  #later(ms: number, callback: () => void): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }
}

/** By address; undefined for a node that did not answer in time. */
export async function fetchStatuses(
  nodes: readonly { readonly url: string }[],
  timeoutMs: number,
): Promise<Map<string, NodeStatus | undefined>> {
  const answers = await Promise.all(
    nodes.map(async ({ url }) => [url, await fetchStatus(url, timeoutMs).catch(() => undefined)] as const),
  );
  return new Map(answers);
}
