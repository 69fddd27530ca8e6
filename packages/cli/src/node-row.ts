import type { NodeStatus } from '@holdfast/server';

/** One node as `status` tells of it. `--json` prints it as it is: fields are only ever added. */
export interface NodeRow {
  readonly id: string;
  readonly url: string;
  /**
   * `down`: it does not answer. Where its process is known to run: `starting` until its first answer, `paused` while it
   * is stopped (SIGSTOP), otherwise `silent`.
   */
  readonly role: NodeStatus['role'] | SilentRole;
  readonly term: number | null;
  /** Whom it takes for the primary. */
  readonly primary: string | null;
  readonly last: number | null;
  readonly durable: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  readonly revision: number | null;
  /** Behind the primary, as the primary sees it; null for the primary and where it is not known. */
  readonly lag: { readonly entries: number; readonly bytes: number; readonly ms: number } | null;
  readonly pid: number | null;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason: string | null;
  readonly admitting: boolean;
  readonly zone: string | null;
  readonly cluster: string | null;
  readonly defaultAck: string | null;
  readonly acknowledged: NodeStatus['acknowledged'] | null;
  readonly diverged: number | null;
}

type SilentRole = 'down' | 'starting' | 'paused' | 'silent';

const SILENT_REASONS: Readonly<Record<SilentRole, string>> = {
  down: 'it does not answer',
  starting: 'it has not answered yet',
  paused: 'its process is stopped',
  silent: 'its process runs but does not answer',
};

/** What is known of a node that does not answer. */
export interface SilentNode {
  readonly id: string | undefined;
  readonly url: string;
  readonly pid?: number | undefined;
  readonly isPaused?: boolean | undefined;
  readonly isStarting?: boolean | undefined;
}

/** A row for each node, in the order given. `statuses` by address; undefined for a node that did not answer. */
export function nodeRows(
  nodes: readonly SilentNode[],
  statuses: ReadonlyMap<string, NodeStatus | undefined>,
): NodeRow[] {
  const primary = currentPrimary([...statuses.values()]);
  return nodes.map((node) => {
    const status = statuses.get(node.url);
    return status === undefined ? silentRow(node) : statusRow(node, status, primary);
  });
}

/** Of two that call themselves primary, the one of the higher term. */
export function currentPrimary(statuses: readonly (NodeStatus | undefined)[]): NodeStatus | undefined {
  let found: NodeStatus | undefined;
  for (const status of statuses) {
    if (status?.role === 'primary' && (found === undefined || status.term > found.term)) found = status;
  }
  return found;
}

export function isAnswering({ role }: NodeRow): boolean {
  return !Object.hasOwn(SILENT_REASONS, role);
}

function silentRoleOf({ pid, isPaused, isStarting }: SilentNode): SilentRole {
  if (isPaused === true) return 'paused';
  if (pid === undefined) return 'down';
  return isStarting === true ? 'starting' : 'silent';
}

function silentRow(node: SilentNode): NodeRow {
  const { id, url, pid } = node;
  const role = silentRoleOf(node);
  return {
    id: id ?? url,
    url,
    role,
    term: null,
    primary: null,
    last: null,
    durable: null,
    commit: null,
    applied: null,
    revision: null,
    lag: null,
    pid: pid ?? null,
    ready: false,
    reason: SILENT_REASONS[role],
    admitting: false,
    zone: null,
    cluster: null,
    defaultAck: null,
    acknowledged: null,
    diverged: null,
  };
}

function statusRow(node: SilentNode, status: NodeStatus, primary: NodeStatus | undefined): NodeRow {
  const peer = primary?.peers.find(({ id }) => id === status.id);
  const isKnown = peer?.linked === true && status.role !== 'primary';
  return {
    id: status.id,
    url: node.url,
    role: status.role,
    term: status.term,
    primary: status.primary ?? null,
    last: status.last.index,
    durable: status.durable,
    commit: status.commit,
    applied: status.applied,
    revision: status.revision,
    lag: isKnown ? { entries: peer.lagEntries, bytes: peer.lagBytes, ms: Math.round(peer.lagMs) } : null,
    pid: status.pid,
    ready: status.ready,
    reason: status.notReadyReason ?? null,
    admitting: status.admitting,
    zone: status.zone ?? null,
    cluster: status.cluster ?? null,
    defaultAck: status.defaultAck,
    acknowledged: status.acknowledged,
    diverged: status.divergence.filed,
  };
}
