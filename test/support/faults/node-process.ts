import { flushCompileCache } from 'node:module';
import { loadConfig, Node, systemSeams } from '@holdfast/server';
import { type Clock, HoldfastError, type Timer } from '@holdfast/types';
import { LaggingTransport } from './lagging-transport.ts';
import { LimitedDisk } from './limited-disk.ts';
import type { NodeOrder } from './node-order.ts';

/** One node as a process of its own, with faults that its parent switches over the channel between the two. */

/** Wall time can be set; nothing but words may depend on it. */
class SettableClock implements Clock {
  wallOffsetMs = 0;
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now();
  }

  wallTime(): number {
    return this.#inner.wallTime() + this.wallOffsetMs;
  }

  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer {
    return this.#inner.setTimer(delayMs, callback, options);
  }
}

const seams = systemSeams();
const transport = new LaggingTransport(seams.transport);
const disk = new LimitedDisk(seams.disk);
const clock = new SettableClock(seams.clock);

function obey(order: NodeOrder): void {
  if (order.lagMs !== undefined) transport.lagMs = order.lagMs;
  if (order.diskFull !== undefined) disk.full = order.diskFull;
  if (order.wallOffsetMs !== undefined) clock.wallOffsetMs = order.wallOffsetMs;
}

process.on('message', (order: NodeOrder) => {
  obey(order);
  process.send?.('done');
});
// Without its parent it is an orphan.
process.on('disconnect', () => process.exit(3));

function fail(error: unknown): never {
  const code = error instanceof HoldfastError ? error.code : 'no code';
  process.stderr.write(`ended: ${code}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

try {
  // What is so from the start: the first thing that the node does may look at it.
  obey(JSON.parse(process.argv[3] ?? '{}') as NodeOrder);
  const flags = JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>;
  const { config } = loadConfig({ flags });
  const node = await Node.start(config, { transport, disk, clock, random: seams.random });
  process.on('SIGTERM', () => void node.stop());
  process.send?.('up');
  // Most of these end by a signal that leaves no time for it.
  flushCompileCache();
  const error = await node.stopped;
  if (error !== undefined) fail(error);
  process.exit(0);
} catch (error) {
  fail(error);
}
