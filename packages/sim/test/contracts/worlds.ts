import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import type { Clock, Disk, Random, Transport } from '@holdfast/types';
import { SimClock, SimDisk, SimNetwork, SimRandom } from '../../src/index.ts';

/** The four seams of one kind, and how to wait in it. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  /** An empty directory. */
  readonly directory: string;
  /** Listens. */
  readonly server: Transport;
  /** Connects; `urlOf` tells where to. */
  readonly client: Transport;
  readonly listenHost: string;
  urlOf(port: number): string;
  /** Until it holds; at most fifteen seconds of its own time. */
  until(condition: () => boolean): Promise<void>;
  settled<Result>(promise: Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export const WORLDS: readonly { name: string; open: () => Promise<World> }[] = [
  { name: 'real', open: openRealWorld },
  { name: 'simulated', open: openSimulatedWorld },
];

const LIMIT_MS = 15_000;

async function openRealWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
  const transport = new WebSocketTransport();
  return {
    clock: new SystemClock(),
    random: new SystemRandom(),
    disk: new NodeDisk(),
    directory,
    server: transport,
    client: transport,
    listenHost: '127.0.0.1',
    urlOf: (port) => `ws://127.0.0.1:${port}`,
    until: untilReally,
    settled: (promise) => promise,
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function openSimulatedWorld(): Promise<World> {
  const clock = new SimClock();
  const disk = new SimDisk({ clock, latencyMs: 1 });
  const network = new SimNetwork({ clock });
  await clock.drive(disk.makeDirectory('/data'));
  return {
    clock,
    random: new SimRandom(1),
    disk,
    directory: '/data',
    server: network.transport('server'),
    client: network.transport('client'),
    listenHost: '0.0.0.0',
    urlOf: (port) => `ws://server:${port}`,
    until: (condition) => clock.runUntil(condition, { limitMs: LIMIT_MS }),
    settled: (promise) => clock.drive(promise),
    close: async () => {},
  };
}

/** Turns of the real event loop until the condition holds. */
async function untilReally(condition: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`still not so after ${LIMIT_MS} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
