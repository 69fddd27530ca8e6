export interface NodelessOptions {
  readonly urls: readonly string[];
  readonly callsPerSecond: number;
  /** Without a node, once the queues are full. */
  readonly lastsMs: number;
  readonly timeoutMs: number;
  readonly pendingCallsMax: number;
}

/** What the process without nodes tells in the end. Heaps are bytes after a collection. */
export interface NodelessReport {
  readonly kind: 'report';
  /** At rest, with nodes; with full queues, at first and in the end; at rest again. */
  readonly before: number;
  readonly early: number;
  readonly late: number;
  readonly after: number;
  readonly calls: number;
  /** Calls in the client at once. */
  readonly pendingMax: number;
  readonly failed: Readonly<Record<string, number>>;
}
