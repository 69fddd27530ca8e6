import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HoldfastError } from '@holdfast/types';
import { CLUSTER_FILE, readClusterFile } from './cluster/cluster-file.ts';

export const CLUSTER_DIRECTORY = '.holdfast';

export interface KnownNode {
  /** Undefined where only an address was given. */
  readonly id: string | undefined;
  /** ws://host:port */
  readonly url: string;
}

export interface FoundCluster {
  readonly nodes: readonly KnownNode[];
  readonly origin: 'flag' | 'environment' | 'directory';
  /** The `.holdfast` it was found in. */
  readonly directory?: string;
}

export interface ClusterSources {
  readonly url: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the search for `.holdfast` begins. */
  readonly directory: string;
}

/** `--url`, then HOLDFAST_URL, then the nearest `.holdfast/` upwards. Throws HOLDFAST_INVALID_ARGUMENT. */
export function findCluster(sources: ClusterSources): FoundCluster {
  if (sources.url !== undefined) return { nodes: parseUrls(sources.url, '--url'), origin: 'flag' };
  const fromEnvironment = sources.env.HOLDFAST_URL ?? '';
  if (fromEnvironment !== '') {
    return { nodes: parseUrls(fromEnvironment, 'HOLDFAST_URL'), origin: 'environment' };
  }
  const directory = findDirectory(sources.directory);
  if (directory === undefined) {
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `no cluster: give --url ws://host:port, set HOLDFAST_URL, or start one with "holdfast up" (there is no ${CLUSTER_DIRECTORY} in ${sources.directory} or above)`,
    );
  }
  const { nodes } = readClusterFile(directory)!;
  return {
    nodes: nodes.map(({ id, port }) => ({ id, url: `ws://127.0.0.1:${port}` })),
    origin: 'directory',
    directory,
  };
}

/** The nearest `.holdfast` that holds a cluster. */
export function findDirectory(start: string): string | undefined {
  let current = resolve(start);
  for (;;) {
    const candidate = join(current, CLUSTER_DIRECTORY);
    if (existsSync(join(candidate, CLUSTER_FILE))) return candidate;
    const parent = dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
}

function parseUrls(text: string, name: string): KnownNode[] {
  const nodes = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => ({ id: undefined, url: parseUrl(part, name) }));
  if (nodes.length === 0) throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `${name} names no node`);
  return nodes;
}

/** `host:port` is taken for `ws://host:port`. */
function parseUrl(text: string, name: string): string {
  const url = text.includes('://') ? text : `ws://${text}`;
  const isNode = URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol) && new URL(url).hostname !== '';
  if (!isNode) {
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `${name}: expected ws://host:port, several separated by commas; got ${JSON.stringify(text)}`,
    );
  }
  return url.replace(/\/+$/, '');
}
