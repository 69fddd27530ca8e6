import { SimClock, SimNetwork, SimRandom } from '@holdfast/sim';
import type { NodeId } from '@holdfast/types';
import { Holdfast, type HoldfastOptions } from '../../src/index.ts';
import { FakeCluster } from './fake-cluster.ts';

/** A simulated network with a fake cluster and a client host on it, all on one virtual clock. */
export class World {
  readonly clock: SimClock = new SimClock();
  readonly network: SimNetwork = new SimNetwork({ clock: this.clock, latencyMs: 1 });
  readonly cluster: FakeCluster;

  private constructor(nodes: number, keysExpire: boolean) {
    const ids = Array.from({ length: nodes }, (_, position) => `n${position + 1}` as NodeId);
    this.cluster = new FakeCluster(
      ids.map((id) => ({ id, url: `ws://${id}:7100`, transport: this.network.transport(id) })),
      keysExpire ? this.clock : undefined,
    );
  }

  /** Times to live are told and nothing more, unless `keysExpire`. */
  static async start(nodes = 3, { keysExpire = false } = {}): Promise<World> {
    const world = new World(nodes, keysExpire);
    for (const node of world.cluster.nodes) await node.start();
    return world;
  }

  client(
    options: HoldfastOptions<string, string> = {},
    urls: string[] = ['ws://n1:7100', 'ws://n2:7100', 'ws://n3:7100'],
  ): Holdfast {
    const seams = { transport: this.network.transport('app'), clock: this.clock, random: new SimRandom(1) };
    return new Holdfast(urls, { seams, ...options });
  }

  /** An open client. */
  async opened(options: HoldfastOptions<string, string> = {}, urls?: string[]): Promise<Holdfast> {
    const db = this.client(options, urls);
    await this.drive(db.open());
    await this.clock.advance(10);
    return db;
  }

  /** SIGKILL: the process is gone, its sockets close. */
  kill(id: string): void {
    this.network.kill(id);
  }

  drive<Result>(promise: Promise<Result>): Promise<Result> {
    return this.clock.drive(promise, { limitMs: 30_000 });
  }

  /** Virtual milliseconds until the promise settles, and how. */
  async timed(promise: Promise<unknown>): Promise<{ ms: number; value?: unknown; error?: unknown }> {
    const start = this.clock.now();
    const settled = promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const result = await this.drive(settled);
    return { ms: this.clock.now() - start, ...result };
  }
}
