import { createServer } from 'node:net';
import { HoldfastError, type NodeId } from '@holdfast/types';
import type { LocalNode } from './cluster-file.ts';

export const FIRST_PORT = 7101;
const PORT_MAX = 65_535;

export interface PortChoice {
  readonly nodes: readonly LocalNode[];
  /** Ports that other processes have taken, with where their node goes instead. */
  readonly moved: readonly { readonly id: NodeId; readonly from: number; readonly to: number }[];
}

/** Each node keeps its port if nobody else has it; otherwise it gets the next free one above all wanted. */
export async function choosePorts(
  wanted: readonly LocalNode[],
  isFree: (port: number) => Promise<boolean> = isPortFree,
): Promise<PortChoice> {
  const nodes: LocalNode[] = [];
  const moved: { id: NodeId; from: number; to: number }[] = [];
  let next = Math.max(...wanted.map(({ port }) => port)) + 1;
  for (const { id, port } of wanted) {
    if (await isFree(port)) {
      nodes.push({ id, port });
      continue;
    }
    while (next <= PORT_MAX && !(await isFree(next))) next += 1;
    if (next > PORT_MAX) throw new HoldfastError('HOLDFAST_PORT_IN_USE', `no free port above ${port}`);
    nodes.push({ id, port: next });
    moved.push({ id, from: port, to: next });
    next += 1;
  }
  return { nodes, moved };
}

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
