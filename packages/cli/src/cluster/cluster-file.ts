import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ack, HoldfastError, isNodeId, type NodeId } from '@holdfast/types';

export const CLUSTER_FILE = 'cluster.json';
const FORMAT = 1;

export interface LocalNode {
  readonly id: NodeId;
  /** On 127.0.0.1; changes when another process has taken it. */
  readonly port: number;
}

/** What `up` keeps of a local cluster between runs. */
export interface ClusterFile {
  readonly ack: Ack;
  readonly nodes: readonly LocalNode[];
}

/** Undefined if there is none. Throws HOLDFAST_DATA_DIRECTORY_UNUSABLE for one that cannot be understood. */
export function readClusterFile(directory: string): ClusterFile | undefined {
  const path = join(directory, CLUSTER_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError('HOLDFAST_DATA_DIRECTORY_UNUSABLE', `${path} is not readable: ${reason}`, {
      cause,
    });
  }
}

/** Replaces the file in one step: a reader sees the old or the new one. */
export function writeClusterFile(directory: string, file: ClusterFile): void {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, CLUSTER_FILE);
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify({ format: FORMAT, ...file }, undefined, 2)}\n`);
  renameSync(temporary, path);
}

/** Ids of the nodes that have data here, by their directories: the truth if the file was deleted. */
export function nodesWithData(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, 'identity.json')))
    .map((entry) => entry.name)
    .sort();
}

function parse(content: unknown): ClusterFile {
  const { format, ack, nodes } = content as Record<string, unknown>;
  if (format !== FORMAT) throw new Error(`it has format ${String(format)}, this program knows ${FORMAT}`);
  if (ack !== 'local' && ack !== 'quorum' && ack !== 'all') throw new Error('ack is no level');
  if (!Array.isArray(nodes) || nodes.length === 0) throw new Error('it names no nodes');
  return { ack, nodes: nodes.map(parseNode) };
}

function parseNode(node: unknown): LocalNode {
  const { id, port } = node as Record<string, unknown>;
  if (typeof id !== 'string' || !isNodeId(id)) throw new Error('a node has no id');
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${id} has no port`);
  return { id, port };
}
