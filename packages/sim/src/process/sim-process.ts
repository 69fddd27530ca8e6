import type { Clock, Disk, Random, Transport } from '@holdfast/types';
import type { SimClock } from '../sim-clock.ts';
import type { SimNetwork } from '../sim-network.ts';
import type { SimRandom } from '../sim-random.ts';
import { ProcessClock } from './process-clock.ts';
import { ProcessDisk } from './process-disk.ts';
import { ProcessGate } from './process-gate.ts';
import { ProcessTransport } from './process-transport.ts';

export interface SimProcessOptions {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SimRandom;
  readonly host: string;
  readonly clockRate: number;
  wallOffsetMs(): number;
}

/** One run of a program on a host: its seams, all behind one gate. */
export class SimProcess {
  readonly gate: ProcessGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly #options: SimProcessOptions;

  constructor(options: SimProcessOptions) {
    const { clock, network, random, host, clockRate, wallOffsetMs } = options;
    this.#options = options;
    this.gate = new ProcessGate({ clock, random: random.fork() });
    this.clock = new ProcessClock({ clock, gate: this.gate, rate: clockRate, wallOffsetMs });
    this.random = random.fork();
    this.transport = new ProcessTransport(network.transport(host), this.gate);
  }

  disk(disk: Disk): Disk {
    return new ProcessDisk(disk, this.gate);
  }

  freeze(): void {
    this.#options.network.hold(this.#options.host);
    this.gate.freeze();
  }

  thaw(): void {
    this.gate.thaw();
    this.#options.network.release(this.#options.host);
  }

  /** At once and without a word; the other ends of its connections hear of it. */
  kill(): void {
    this.gate.kill();
    this.#options.network.kill(this.#options.host);
  }

  /** With its machine: nobody hears of it. */
  vanish(): void {
    this.gate.kill();
    this.#options.network.vanish(this.#options.host);
  }
}
