import { type Ack, HoldfastError } from '@holdfast/types';
import { callHttp } from '../node-http.ts';
import type { SilentNode } from '../node-row.ts';

/** As nodes list it. */
export interface DivergedSummary {
  /** `<database>.<index>.<term>`: the same on every node that lists it. */
  readonly id: string;
  readonly index: number;
  readonly term: number;
  readonly undecided: boolean;
  readonly writeCount: number;
  readonly mutationCount: number;
  readonly bytes: number;
  readonly asked: Readonly<Record<Ack, number>>;
}

export interface DivergedMutation {
  readonly kind: 'put' | 'del';
  readonly key: Buffer;
  /** Undefined: a delete. */
  readonly value: Buffer | undefined;
  readonly revision: number;
  /** What the put gave its key to live, milliseconds; absent: it stays. */
  readonly ttlMs?: number;
}

/** One call of one client. What it changed is applied again together, or not. */
export interface DivergedWrite {
  /** Of the entry. */
  readonly id: string;
  /** Its place in the entry, from 0. */
  readonly place: number;
  /** Of the entry: nobody knows whether it survived. */
  readonly undecided: boolean;
  /** With `sequence` the name of the call, whatever entries its attempts were in. */
  readonly session: string;
  readonly sequence: number;
  /** The level asked for. */
  readonly ack: Ack;
  readonly mutations: readonly DivergedMutation[];
}

/** What one group commit held: calls of many clients. */
export interface DivergedEntry extends DivergedSummary {
  /** Those that changed something. */
  readonly writes: readonly DivergedWrite[];
}

export interface ListedEntry {
  readonly summary: DivergedSummary;
  /** The nodes that list it. */
  readonly holders: readonly SilentNode[];
}

interface SentEntry extends DivergedSummary {
  readonly logTime: number;
  readonly writes: readonly {
    readonly session: string;
    readonly sequence: number;
    readonly ack: Ack;
    readonly mutations: readonly {
      kind: 'put' | 'del';
      key: string;
      value?: string;
      revision: number;
      /** Log time of the term that was lost. */
      expiresAt?: number;
    }[];
  }[];
}

/** What any node lists, each id once, oldest first. Rejects with HOLDFAST_NO_PRIMARY if no node answers. */
export async function listDiverged(
  nodes: readonly SilentNode[],
  timeoutMs: number,
): Promise<{ entries: ListedEntry[]; silent: SilentNode[] }> {
  const found = new Map<string, { summary: DivergedSummary; holders: SilentNode[] }>();
  const silent: SilentNode[] = [];
  await Promise.all(
    nodes.map(async (node) => {
      const answer = await callHttp<{ diverged: DivergedSummary[] }>(node.url, '/v1/divergence', {
        timeoutMs,
      }).catch(() => undefined);
      if (answer === undefined) silent.push(node);
      for (const summary of answer?.diverged ?? []) {
        const entry = found.get(summary.id) ?? { summary, holders: [] };
        entry.holders.push(node);
        found.set(summary.id, entry);
      }
    }),
  );
  if (silent.length === nodes.length) throw new HoldfastError('HOLDFAST_NO_PRIMARY', 'no node answers');
  const entries = [...found.values()].sort((left, right) => compareEntries(left.summary, right.summary));
  return { entries, silent };
}

/** By age: a later term is newer, whatever its index. */
export function compareEntries(left: DivergedSummary, right: DivergedSummary): number {
  return left.term - right.term || left.index - right.index;
}

/** Those named, in order of age. Throws HOLDFAST_DIVERGENCE_NOT_FOUND. */
export function chooseEntries(
  entries: readonly ListedEntry[],
  ids: readonly string[] | 'all',
): ListedEntry[] {
  if (ids === 'all') return [...entries];
  const missing = ids.find((id) => !entries.some(({ summary }) => summary.id === id));
  if (missing !== undefined) {
    throw new HoldfastError('HOLDFAST_DIVERGENCE_NOT_FOUND', `no node lists ${JSON.stringify(missing)}`);
  }
  return entries.filter(({ summary }) => ids.includes(summary.id));
}

export async function fetchDiverged(
  { summary, holders }: ListedEntry,
  timeoutMs: number,
): Promise<DivergedEntry> {
  let last: unknown;
  for (const { url } of holders) {
    try {
      const path = `/v1/divergence/${encodeURIComponent(summary.id)}`;
      return entryOf(await callHttp<SentEntry>(url, path, { timeoutMs }));
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function entryOf({ writes, logTime, ...summary }: SentEntry): DivergedEntry {
  const { id, undecided } = summary;
  const named = writes.map(({ session, sequence, ack, mutations }, place) => ({
    id,
    place,
    undecided,
    session,
    sequence,
    ack,
    mutations: mutations.map(({ kind, key, value, revision, expiresAt }) => ({
      kind,
      key: Buffer.from(key, 'base64'),
      value: kind === 'put' ? Buffer.from(value ?? '', 'base64') : undefined,
      revision,
      ...(expiresAt === undefined ? {} : { ttlMs: Math.max(1, expiresAt - logTime - 1) }),
    })),
  }));
  return { ...summary, writes: named.filter(({ mutations }) => mutations.length > 0) };
}
