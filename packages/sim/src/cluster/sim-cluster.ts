import { type DriverTuning, loadConfig, type NodeConfig } from '@holdfast/server';
import { assert, type NodeId, nodeId } from '@holdfast/types';
import { SimProcess } from '../process/sim-process.ts';
import { SimClock } from '../sim-clock.ts';
import { SimDisk } from '../sim-disk.ts';
import { SimNetwork } from '../sim-network.ts';
import { SimRandom } from '../sim-random.ts';
import { type ClockRates, type ClockSpeeds, rateOf, ratesOf, widestOf } from './clock-rates.ts';
import type { Boot, CoreObserver } from './core-probe.ts';
import { DiskTiming } from './disk-timing.ts';
import { MessageTrace } from './message-trace.ts';
import { SimMachine } from './sim-machine.ts';
import { Trace } from './trace.ts';

export interface SimClusterOptions {
  readonly seed: number;
  /** 1 to 7. */
  readonly nodes: number;
  /** Changes to the default configuration of each node. */
  readonly timing?: Partial<NodeConfig['timing']>;
  readonly limits?: Partial<NodeConfig['limits']>;
  readonly tuning?: Partial<DriverTuning>;
  readonly storeBufferBytes?: number;
  readonly segmentBytes?: number;
  /** Milliseconds one way between two hosts, which changes from moment to moment. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Times that disks take longer than good ones. */
  readonly diskSlowness?: number;
  /** Greatest share by which the clocks of two machines drift apart. */
  readonly clockDrift?: number;
  /** Times that clocks may be faster than time, and slower; absent: they keep its pace. */
  readonly clockSpread?: number;
  /** The same of those of clients, which drift then as well; absent: they are exact. */
  readonly clientClockSpread?: number;
  readonly observer: CoreObserver;
  readonly print?: ((line: string) => void) | undefined;
  onNodeEnded(boot: Boot, error: unknown): void;
}

const PORT = 7101;
const DATA = '/data';
const EXACT: ClockSpeeds = { drift: 0, spread: 1 };
const LATENCY = { min: 0.1, max: 1 };
/** A link is about as fast as it was so long ago: by the moment, so that one message more changes no other. */
const LATENCY_KNOT_MS = 3;

/** A whole cluster in one process, in virtual time: machines, what lies between them, and room for clients. */
export class SimCluster {
  readonly clock: SimClock = new SimClock();
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly machines: readonly SimMachine[];
  readonly diskTimings: ReadonlyMap<NodeId, DiskTiming>;
  readonly nodeClockRates: ClockRates;
  /** Those of clients included. */
  readonly clockRates: ClockRates;
  readonly #clientSpeeds: ClockSpeeds;
  /** Only its named parts draw: what one of them draws, or whether it is there at all, changes nothing for others. */
  readonly #random: SimRandom;

  constructor(options: SimClusterOptions) {
    assert(options.nodes >= 1 && options.nodes <= 7, 'a cluster has 1 to 7 nodes');
    const { clock } = this;
    const speeds = { drift: options.clockDrift ?? 0, spread: options.clockSpread ?? 1 };
    const { clientClockSpread } = options;
    this.#clientSpeeds =
      clientClockSpread === undefined ? EXACT : { drift: speeds.drift, spread: clientClockSpread };
    this.nodeClockRates = ratesOf(speeds);
    this.clockRates = widestOf([this.nodeClockRates, ratesOf(this.#clientSpeeds)]);
    const random = new SimRandom(options.seed);
    this.#random = random;
    const { print, observer } = options;
    this.trace = new Trace({ clock, print, onThrow: (error) => observer.fails?.(error) });
    const { min, max } = options.latencyMs ?? LATENCY;
    const latencyMs = (from: string, to: string): (() => number) => {
      const latency = random.named(`link ${from} ${to}`).curve(LATENCY_KNOT_MS);
      return () => min + latency(clock.now()) * (max - min);
    };
    this.network = new SimNetwork({ clock, latencyMs, observer: new MessageTrace(this.trace) });
    const ids = Array.from({ length: options.nodes }, (_, place) => nodeId(`n${place + 1}`));
    const diskTimings = new Map<NodeId, DiskTiming>();
    this.diskTimings = diskTimings;
    this.machines = ids.map((id) => {
      const timing = new DiskTiming({
        random: random.named(`disk ${id}`),
        now: () => clock.now(),
        usualSlowness: options.diskSlowness,
      });
      diskTimings.set(id, timing);
      return new SimMachine({
        config: configOf(id, ids, options),
        tuning: options.tuning ?? {},
        storeBufferBytes: options.storeBufferBytes ?? 16_384,
        clock,
        network: this.network,
        disk: new SimDisk({ clock, latencyMs: (operation) => timing.draw(operation) }),
        random: random.named(`node ${id}`),
        clockRate: this.#rateAt(id, speeds),
        observer: options.observer,
        trace: this.trace,
        onEnded: options.onNodeEnded,
      });
    });
  }

  get urls(): string[] {
    return this.machines.map(({ id }) => urlOf(id));
  }

  machine(id: NodeId): SimMachine {
    const machine = this.machines.find((candidate) => candidate.id === id);
    assert(machine !== undefined, `there is no node ${id}`);
    return machine;
  }

  startAll(): void {
    for (const machine of this.machines) machine.start();
  }

  /** A process for a client, on a host of its own. */
  clientProcess(host: string): SimProcess {
    const { clock, network } = this;
    return new SimProcess({
      clock,
      network,
      random: this.#random.named(`client ${host}`),
      host,
      clockRate: this.#rateAt(host, this.#clientSpeeds),
      wallOffsetMs: () => 0,
    });
  }

  #rateAt(host: string, speeds: ClockSpeeds): number {
    const [quartz, pace] = [this.#random.named(`clock ${host}`), this.#random.named(`pace ${host}`)];
    return rateOf(speeds, { quartz: quartz.next(), pace: pace.next() });
  }

  /** The machine whose node is the primary of the newest term and admits writes. */
  get primary(): SimMachine | undefined {
    let found: SimMachine | undefined;
    for (const machine of this.machines) {
      const status = machine.node?.status();
      if (status?.role !== 'primary' || !status.admitting || machine.isFrozen) continue;
      if (status.term > (found?.node?.status().term ?? 0)) found = machine;
    }
    return found;
  }
}

function urlOf(host: string): string {
  return `ws://${host}:${PORT}`;
}

function configOf(id: NodeId, ids: readonly NodeId[], changes: SimClusterOptions): NodeConfig {
  const peers = ids.map((peer) => `${peer}=${urlOf(peer)}`).join(',');
  const flags = { id, data: DATA, peers, listen: `${id}:${PORT}`, logLevel: 'silent', segmentBytes: 65_536 };
  const { config } = loadConfig({ flags });
  return {
    ...config,
    segmentBytes: changes.segmentBytes ?? config.segmentBytes,
    timing: { ...config.timing, ...changes.timing },
    limits: { ...config.limits, ...changes.limits },
  };
}
