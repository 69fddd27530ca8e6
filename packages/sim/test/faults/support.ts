import { Holdfast } from '@holdfast/client';
import { SimCluster } from '../../src/cluster/sim-cluster.ts';
import type { SimMachine } from '../../src/cluster/sim-machine.ts';
import type { MarkName } from '../../src/coverage/mark-list.ts';
import { type Fault, inflict } from '../../src/faults/fault-types.ts';
import { FaultWorld } from '../../src/faults/fault-world.ts';
import { Watch } from '../../src/run/watch.ts';

/** A cluster that has formed, a client, and what oracles and faults know of it. */
export class FaultBench {
  readonly cluster: SimCluster;
  readonly watch: Watch;
  readonly world: FaultWorld;
  readonly client: Holdfast;
  /** Why nodes ended that had no reason to. */
  readonly ends: unknown[] = [];
  /** What faults are told of its client. */
  isWriting = true;
  #keys = 0;

  private constructor(nodes: number, seed: number) {
    this.watch = new Watch(nodes);
    this.cluster = new SimCluster({
      seed,
      nodes,
      observer: this.watch,
      onNodeEnded: (boot, error) => {
        if (!this.world.hasEnded(boot, error)) this.ends.push(error);
      },
    });
    this.world = new FaultWorld({
      cluster: this.cluster,
      hosts: this.cluster.machines.map(({ id }) => id),
      watch: this.watch,
      isWriting: () => this.isWriting,
    });
    const { transport, clock, random } = this.cluster.clientProcess('c1');
    this.client = new Holdfast(this.cluster.urls, { seams: { transport, clock, random } });
  }

  static async formed(nodes: number, seed = 1): Promise<FaultBench> {
    const bench = new FaultBench(nodes, seed);
    bench.cluster.startAll();
    await bench.until(() => bench.cluster.primary !== undefined);
    return bench;
  }

  met(mark: MarkName): number {
    return this.watch.marks.counts.get(mark) ?? 0;
  }

  inflict(fault: Fault): void {
    inflict(fault, this.world);
  }

  async write(count: number, value = 'value'): Promise<void> {
    for (let at = 0; at < count; at += 1)
      await this.cluster.clock.drive(this.client.put(`key ${this.#keys++}`, value, { ack: 'quorum' }));
  }

  /** All that was acknowledged is there. */
  async readsAll(): Promise<void> {
    const found = await this.cluster.clock.drive(this.client.keys().all());
    const written = Array.from({ length: this.#keys }, (_, place) => `key ${place}`);
    const missing = written.filter((key) => !found.includes(key));
    if (missing.length > 0) throw new Error(`acknowledged and not there: ${missing.join(', ')}`);
    if (this.watch.failure !== undefined) throw this.watch.failure;
  }

  /** Throws what an oracle has seen. */
  async until(condition: () => boolean, limitMs = 10_000): Promise<void> {
    await this.cluster.clock.runUntil(() => this.watch.failure !== undefined || condition(), { limitMs });
    if (this.watch.failure !== undefined) throw this.watch.failure;
  }

  get standby(): SimMachine {
    return this.cluster.machines.find((machine) => machine !== this.cluster.primary)!;
  }

  /** All nodes serve, and hold the same. */
  async level(): Promise<void> {
    const { machines, clock } = this.cluster;
    await this.until(() => {
      const applied = machines.map(({ node }) => {
        const status = node?.status();
        return status?.serving === true ? status.applied : undefined;
      });
      return applied.every((index) => index !== undefined && index === applied[0]);
    });
    const digests = new Set<string>();
    for (const { node } of machines) digests.add((await clock.drive(node!.digest())).digest);
    if (digests.size > 1) throw new Error('nodes hold different data');
  }
}
