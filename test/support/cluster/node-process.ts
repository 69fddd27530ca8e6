// One node as a process of its own, with faults that its parent switches over the channel between the two.
// Run by LocalCluster: node node-process.ts '<options as JSON>' [--rehearses]
import { flushCompileCache } from 'node:module';
import { loadConfig, Node, systemSeams } from '@holdfast/server';
import { LyingDisk } from './lying-disk.ts';
import type { NodeOrder, NodeReport } from './node-order.ts';
import { PeerFaultTransport } from './peer-fault-transport.ts';

const seams = systemSeams();
const transport = new PeerFaultTransport(seams.transport);
const disk = new LyingDisk(seams.disk);

function report(words: NodeReport): void {
  process.send?.(words);
}

process.on('message', (order: NodeOrder) => {
  if (order.peers !== undefined) transport.inflict(order.peers);
  if (order.lyingSync !== undefined) disk.lies = order.lyingSync;
  report({ kind: 'obeyed' });
  if (order.stallMs !== undefined) stall(order.stallMs);
});
// Without its parent it is an orphan.
process.on('disconnect', () => process.exit(3));

/** Busy, not asleep: the core it runs on is gone too. */
function stall(durationMs: number): void {
  const until = performance.now() + durationMs;
  while (performance.now() < until);
}

try {
  const { config } = loadConfig({ flags: JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown> });
  const node = await Node.start(
    config,
    { ...seams, transport, disk },
    { rehearses: process.argv.includes('--rehearses') },
  );
  process.on('SIGTERM', () => void node.stop());
  report({ kind: 'up', pid: process.pid });
  // Most of these end by a signal that leaves no time for it.
  flushCompileCache();
  const error = await node.stopped;
  if (error !== undefined) throw error;
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
