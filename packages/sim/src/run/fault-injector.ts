import { assertNever, HoldfastError } from '@holdfast/types';
import type { SimCluster } from '../cluster/sim-cluster.ts';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { keepRandomly } from '../disk/pending-change.ts';
import type { CrashOptions } from '../sim-disk.ts';
import type { SimRandom } from '../sim-random.ts';
import { logUniform, pick } from './draw.ts';
import type { FaultKind } from './scenario.ts';

const HOUR_MS = 3_600_000;

/** Makes things go wrong at drawn moments, and right again after a while. */
export class FaultInjector {
  readonly #cluster: SimCluster;
  readonly #random: SimRandom;
  /** Hosts, clients included: what lies between them breaks. */
  readonly #hosts: readonly string[];
  readonly #counts = new Map<FaultKind, number>();
  /** Grows with each partition: a later one is not healed by the end of an earlier one. */
  #partitions = 0;
  #isOn = false;

  constructor(cluster: SimCluster, random: SimRandom, clientHosts: readonly string[]) {
    this.#cluster = cluster;
    this.#random = random;
    this.#hosts = [...cluster.machines.map(({ id }) => id), ...clientHosts];
  }

  /** How often each kind of fault happened. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  start(faultsPerSecond: ReadonlyMap<FaultKind, number>): void {
    this.#isOn = true;
    for (const [kind, rate] of faultsPerSecond) this.#next(kind, rate);
  }

  /** No more faults; everything that can be mended is, but who is down stays down. */
  stop(): void {
    this.#isOn = false;
    const { network, machines, diskTimings } = this.#cluster;
    network.healAll();
    for (const machine of machines) {
      machine.thaw();
      machine.disk.capacityBytes = Infinity;
    }
    for (const timing of diskTimings.values()) timing.slowness = 1;
    this.#tell('faults end');
  }

  #next(kind: FaultKind, rate: number): void {
    const waitMs = (-Math.log(1 - this.#random.next()) / rate) * 1000;
    this.#later(waitMs, () => {
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      this.#inflict(kind);
      this.#next(kind, rate);
    });
  }

  #inflict(kind: FaultKind): void {
    const random = this.#random;
    const machine = this.#victim();
    switch (kind) {
      case 'stall':
        this.#stall();
        break;
      case 'break':
        this.#break();
        break;
      case 'partition':
        this.#partition();
        break;
      case 'isolatePrimary':
        this.#isolatePrimary();
        break;
      case 'oneWay':
        this.#oneWay();
        break;
      case 'kill':
        this.#down([machine], 'is killed', (one) => one.kill());
        break;
      case 'powerOff':
        this.#down([machine], 'loses power', (one) => one.powerOff(this.#drawLoss()));
        break;
      case 'allDown':
        this.#down(this.#cluster.machines, 'loses power', (one) => one.powerOff(this.#drawLoss()));
        break;
      case 'freeze':
        this.#freeze(machine);
        break;
      case 'slowDisk':
        this.#slowDisk(machine);
        break;
      case 'fullDisk':
        this.#fullDisk(machine);
        break;
      case 'wallClock':
        machine.wallOffsetMs = (random.next() - 0.5) * 2 * HOUR_MS;
        this.#tell(`${machine.id} has its wall clock set`);
        break;
      case 'switchover':
        this.#switchover();
        break;
      default:
        assertNever(kind);
    }
  }

  #stall(): void {
    const [from, to] = this.#twoHosts();
    const forMs = logUniform(this.#random, 5, 500);
    this.#cluster.network.stall(from, to, forMs);
    this.#tell(`${from} > ${to} is stalled for ${forMs.toFixed(0)} ms`);
  }

  #break(): void {
    const [one, other] = this.#twoHosts();
    this.#cluster.network.drop(one, other);
    this.#tell(`links between ${one} and ${other} break`);
  }

  /** The primary more often than not: it is the one that has promised something. */
  #victim(): SimMachine {
    const { primary, machines } = this.#cluster;
    return primary !== undefined && this.#random.next() < 0.6 ? primary : pick(this.#random, machines);
  }

  #partition(): void {
    this.#separate(this.#hosts.filter(() => this.#random.next() < 0.5));
  }

  /** With some of the clients, which it may tell what the others never hear of. */
  #isolatePrimary(): void {
    const { primary } = this.#cluster;
    if (primary === undefined) return;
    const clients = this.#hosts.slice(this.#cluster.machines.length);
    this.#separate([primary.id, ...clients.filter(() => this.#random.next() < 0.7)]);
  }

  #separate(side: readonly string[]): void {
    for (const one of side)
      for (const other of this.#hosts) if (!side.includes(other)) this.#cluster.network.cut(one, other);
    this.#tell(`${side.join(' ') || 'nobody'} cut off from the rest`);
    this.#healLater();
  }

  #oneWay(): void {
    const from = pick(this.#random, this.#hosts);
    const cut = this.#hosts.filter((host) => host !== from && this.#random.next() < 0.6);
    const isOutward = this.#random.next() < 0.5;
    for (const to of cut)
      if (isOutward) this.#cluster.network.cutOneWay(from, to);
      else this.#cluster.network.cutOneWay(to, from);
    this.#tell(`${from} is not ${isOutward ? 'heard by' : 'reached from'} ${cut.join(' ') || 'nobody'}`);
    this.#healLater();
  }

  #healLater(): void {
    const partition = ++this.#partitions;
    this.#later(logUniform(this.#random, 30, 3000), () => {
      if (partition !== this.#partitions) return;
      this.#cluster.network.healAll();
      this.#tell('the network is whole');
    });
  }

  #down(machines: readonly SimMachine[], what: string, end: (machine: SimMachine) => void): void {
    for (const machine of machines) {
      const awayMs = logUniform(this.#random, 1, 3000);
      if (machine.isUp) {
        end(machine);
        this.#tell(`${machine.id} ${what}`);
      }
      this.#later(awayMs, () => this.#start(machine));
    }
  }

  /** Now and then it fails again before it has read its disk, or just after. */
  #mayFailAtStart(machine: SimMachine): void {
    if (this.#random.next() > 0.25) return;
    const crash = this.#random.next() < 0.5 ? this.#drawLoss() : undefined;
    this.#later(logUniform(this.#random, 0.1, 60), () => {
      if (!machine.isUp) return;
      if (crash === undefined) machine.kill();
      else machine.powerOff(crash);
      this.#tell(`${machine.id} fails while it starts`);
      this.#later(logUniform(this.#random, 1, 500), () => this.#start(machine));
    });
  }

  #start(machine: SimMachine): void {
    if (machine.isUp) return;
    this.#tell(`${machine.id} starts`);
    machine.start();
    this.#mayFailAtStart(machine);
  }

  #freeze(machine: SimMachine): void {
    if (!machine.isUp || machine.isFrozen) return;
    machine.freeze();
    this.#tell(`${machine.id} freezes`);
    this.#later(logUniform(this.#random, 10, 3000), () => {
      machine.thaw();
      this.#tell(`${machine.id} is thawed`);
    });
  }

  #slowDisk(machine: SimMachine): void {
    const timing = this.#cluster.diskTimings.get(machine.id)!;
    timing.slowness = logUniform(this.#random, 5, 1000);
    this.#tell(`${machine.id} has a disk ${timing.slowness.toFixed(0)} times slower`);
    this.#later(logUniform(this.#random, 100, 4000), () => {
      timing.slowness = 1;
      this.#tell(`${machine.id} has its disk back`);
    });
  }

  #fullDisk(machine: SimMachine): void {
    machine.disk.capacityBytes = 0;
    this.#tell(`${machine.id} has a full disk`);
    this.#later(logUniform(this.#random, 100, 4000), () => {
      machine.disk.capacityBytes = Infinity;
      this.#tell(`${machine.id} has room again`);
    });
  }

  #switchover(): void {
    const node = this.#cluster.primary?.node;
    if (node === undefined) return;
    this.#tell(`${node.status().id} is told to hand over`);
    node.switchover().catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error;
    });
  }

  /** Of what was not synced: nothing survives, all, or a drawn part. */
  #drawLoss(): CrashOptions {
    return { keep: pick(this.#random, ['synced', 'all', keepRandomly(this.#random)] as const) };
  }

  #twoHosts(): [string, string] {
    const one = pick(this.#random, this.#hosts);
    return [
      one,
      pick(
        this.#random,
        this.#hosts.filter((host) => host !== one),
      ),
    ];
  }

  #later(ms: number, work: () => void): void {
    this.#cluster.clock.setTimer(ms, () => {
      if (this.#isOn) work();
    });
  }

  #tell(what: string): void {
    this.#cluster.trace.record(`fault: ${what}`);
  }
}
