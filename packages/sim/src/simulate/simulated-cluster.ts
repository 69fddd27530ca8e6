import type { NodeStatus } from '@holdfast/server';
import { assert, HoldfastError, nodeId } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { keepRandomly } from '../disk/pending-change.ts';
import type { SimProcess } from '../process/sim-process.ts';
import type { SimRandom } from '../sim-random.ts';

/** What survives a loss of power of that which a node has not synced: nothing, all, or a part drawn from the seed. */
export type KeptUnsynced = 'nothing' | 'all' | 'drawn';

export interface WaitOptions {
  /** Milliseconds of virtual time; 10 000 by default. After it the wait fails, with kind `time`. */
  readonly limitMs?: number;
}

/** What a cluster of a simulation needs of it. */
export interface ClusterWorld {
  readonly cluster: SimCluster;
  /** For what survives a loss of power. */
  readonly random: SimRandom;
  /** Where the application runs: what lies between them and the nodes can break too. */
  readonly hosts: readonly string[];
  /** Of the application, on one of its hosts. */
  process(host: string): SimProcess | undefined;
  /** No more faults are drawn, and those that wait to strike or to end do neither. */
  stopFaults(): void;
  /** The error of a wait that was in vain. */
  outOfTime(what: string, limitMs: number): Error;
}

const WAIT_MS_MAX = 10_000;
const POLL_MS = 1;

/**
 * The nodes of a simulation, and what can happen to them. Nodes are named `n1`, `n2`, …; the network also knows the
 * hosts of the application. Everything strikes at once, at this moment of virtual time, and lasts until it is undone.
 */
export class SimulatedCluster {
  readonly #world: ClusterWorld;

  constructor(world: ClusterWorld) {
    this.#world = world;
  }

  /** Ids of all nodes, whatever state they are in. */
  get nodes(): readonly string[] {
    return this.#machines.map(({ id }) => id);
  }

  /** Addresses of all nodes, for code that makes its own client (with the seams of the simulation). */
  get urls(): readonly string[] {
    return this.#world.cluster.urls;
  }

  /** The node that takes writes now; undefined while there is none, or none yet that could. */
  get primary(): string | undefined {
    return this.#world.cluster.primary?.id;
  }

  /** Nodes that are up and are not the primary, in order of their ids. */
  get standbys(): readonly string[] {
    const { primary } = this;
    return this.#machines.filter(({ id, node }) => id !== primary && node !== undefined).map(({ id }) => id);
  }

  /** What a node says of itself, as its `/v1/status` does; undefined while it is down or starting. */
  status(node: string): NodeStatus | undefined {
    return this.#machine(node).node?.status();
  }

  /** The process dies as with `kill -9`; its disk keeps all that was written. Nothing if it is down. */
  kill(node: string): void {
    const machine = this.#machine(node);
    if (!machine.isUp) return;
    machine.kill();
    this.#tell(`${node} is killed`);
  }

  /** The machine loses power, and with it what was not synced; of that `keep` says what survives: a drawn part by default. */
  powerOff(node: string, options: { readonly keep?: KeptUnsynced } = {}): void {
    const machine = this.#machine(node);
    if (!machine.isUp) return;
    const keep = { nothing: 'synced', all: 'all', drawn: keepRandomly(this.#world.random) } as const;
    machine.powerOff({ keep: keep[options.keep ?? 'drawn'] });
    this.#tell(`${node} loses power`);
  }

  /** Starts a node that is down, with the disk that it had. Nothing if it is up. */
  start(node: string): void {
    const machine = this.#machine(node);
    if (machine.isUp) return;
    machine.start();
    this.#tell(`${node} is started`);
  }

  /** `kill`, and `start` at once. */
  restart(node: string): void {
    this.kill(node);
    this.start(node);
  }

  /**
   * The process of a node, or of the application on a host, stands still until `thaw`: its sockets stay open, nothing that
   * arrives is seen and no timer fires. Of an application that is what uses the seams of the host.
   */
  freeze(name: string): void {
    (this.#world.process(name) ?? this.#machine(name)).freeze();
    this.#tell(`${name} freezes`);
  }

  thaw(name: string): void {
    (this.#world.process(name) ?? this.#machine(name)).thaw();
    this.#tell(`${name} is thawed`);
  }

  /** Nothing passes between two hosts, either way, and neither is told: links stay open, and silent. */
  cut(one: string, other: string): void {
    this.#world.cluster.network.cut(this.#host(one), this.#host(other));
    this.#tell(`${one} and ${other} are cut off from each other`);
  }

  /** What `from` sends does not reach `to`; what `to` sends does arrive. */
  cutOneWay(from: string, to: string): void {
    this.#world.cluster.network.cutOneWay(this.#host(from), this.#host(to));
    this.#tell(`${from} is not heard by ${to}`);
  }

  /** `cut` from everybody else, but for those excepted. */
  isolate(host: string, options: { readonly except?: readonly string[] } = {}): void {
    const except = new Set([this.#host(host), ...(options.except ?? []).map((name) => this.#host(name))]);
    for (const other of this.#hosts) if (!except.has(other)) this.#world.cluster.network.cut(host, other);
    this.#tell(
      `${host} is cut off from all but ${[...except].filter((name) => name !== host).join(' ') || 'itself'}`,
    );
  }

  /** Ends every cut between a host and the others. */
  rejoin(host: string): void {
    for (const other of this.#hosts)
      if (other !== this.#host(host)) this.#world.cluster.network.heal(host, other);
    this.#tell(`${host} and the others reach each other`);
  }

  /** Ends `cut` and `cutOneWay` between two hosts. What was sent meanwhile sets out now. */
  heal(one: string, other: string): void {
    this.#world.cluster.network.heal(this.#host(one), this.#host(other));
    this.#tell(`${one} and ${other} reach each other`);
  }

  /** Ends whatever cuts there are. */
  healAll(): void {
    this.#world.cluster.network.healAll();
    this.#tell('the network is whole');
  }

  /** What `from` sends `to` in the next so many milliseconds waits until they are over, and what is under way too. */
  stall(from: string, to: string, forMs: number): void {
    this.#world.cluster.network.stall(this.#host(from), this.#host(to), forMs);
    this.#tell(`${from} > ${to} is stalled for ${forMs} ms`);
  }

  /** Closes every connection between two hosts; what was under way is lost. They may connect again at once. */
  dropConnections(one: string, other: string): void {
    this.#world.cluster.network.drop(this.#host(one), this.#host(other));
    this.#tell(`links between ${one} and ${other} break`);
  }

  /** Its disk has no room for anything, until `freeDisk`. */
  fillDisk(node: string): void {
    this.#machine(node).disk.capacityBytes = 0;
    this.#tell(`${node} has a full disk`);
  }

  freeDisk(node: string): void {
    this.#machine(node).disk.capacityBytes = Infinity;
    this.#tell(`${node} has room again`);
  }

  /** Its disk takes `times` as long as usual for everything; 1: as usual. */
  slowDisk(node: string, times: number): void {
    const { id } = this.#machine(node);
    this.#world.cluster.diskTimings.get(id)!.slowDown(times);
    this.#tell(`${node} has a disk ${times} times slower`);
  }

  /**
   * Tells the primary to hand over, to `to` or to the best standby; resolves when it has.
   * Rejects with HOLDFAST_SWITCHOVER_FAILED if it goes on instead, and HOLDFAST_NO_PRIMARY if there is none now.
   */
  async switchover(to?: string): Promise<void> {
    const target = to === undefined ? undefined : this.#machine(to).id;
    const primary = this.#world.cluster.primary?.node;
    if (primary === undefined) throw new HoldfastError('HOLDFAST_NO_PRIMARY', 'nobody could hand over');
    this.#tell(`${primary.status().id} is told to hand over`);
    await primary.switchover(target);
  }

  /** Resolves with the id of the primary, as soon as there is one that takes writes. */
  async waitForPrimary(options: WaitOptions = {}): Promise<string> {
    await this.until('there is a primary', () => this.primary !== undefined, options);
    return this.primary!;
  }

  /** Resolves with the id of a standby, as soon as there is one beside a primary. */
  async waitForStandby(options: WaitOptions = {}): Promise<string> {
    const find = (): string | undefined => (this.primary === undefined ? undefined : this.standbys[0]);
    await this.until('there is a standby', () => find() !== undefined, options);
    return find()!;
  }

  /** Resolves when `condition` holds; it is asked every virtual millisecond. `what` names it in the error. */
  async until(what: string, condition: () => boolean, options: WaitOptions = {}): Promise<void> {
    const { clock } = this.#world.cluster;
    const limitMs = options.limitMs ?? WAIT_MS_MAX;
    const end = clock.now() + limitMs;
    while (!condition()) {
      if (clock.now() >= end) throw this.#world.outOfTime(what, limitMs);
      await new Promise<void>((resolve) => {
        clock.setTimer(POLL_MS, resolve);
      });
    }
  }

  /**
   * Ends all faults: none are drawn or planned any more, the network is whole, disks are as usual, everybody is up.
   * Resolves when there is a primary and all nodes have applied the same.
   */
  async recover(options: WaitOptions = {}): Promise<void> {
    const { cluster } = this.#world;
    this.#world.stopFaults();
    cluster.network.healAll();
    for (const machine of this.#machines) {
      machine.thaw();
      machine.disk.capacityBytes = Infinity;
      cluster.diskTimings.get(machine.id)!.recover();
      machine.start();
    }
    for (const host of this.#world.hosts) this.#world.process(host)?.thaw();
    this.#tell('everything is mended');
    await this.until('all nodes have applied the same', () => this.#isLevel(), options);
  }

  #isLevel(): boolean {
    if (this.primary === undefined) return false;
    const members = this.#machines.filter(({ node }) => node?.status().exclusion === undefined);
    const applied = members.map(({ node }) => {
      const status = node?.status();
      return status?.serving === true ? status.applied : undefined;
    });
    return applied.every((index) => index !== undefined && index === applied[0]);
  }

  get #machines(): readonly SimMachine[] {
    return this.#world.cluster.machines;
  }

  get #hosts(): readonly string[] {
    return [...this.nodes, ...this.#world.hosts];
  }

  #machine(node: string): SimMachine {
    assert(this.nodes.includes(node), `there is no node ${node}: there are ${this.nodes.join(' ')}`);
    return this.#world.cluster.machine(nodeId(node));
  }

  #host(name: string): string {
    assert(this.#hosts.includes(name), `there is no host ${name}: there are ${this.#hosts.join(' ')}`);
    return name;
  }

  #tell(what: string): void {
    this.#world.cluster.trace.record(`fault: ${what}`);
  }
}
