import { type DriverTuning, Node, type NodeConfig } from '@holdfast/server';
import type { DirectoryLock } from '@holdfast/store';
import type { NodeId } from '@holdfast/types';
import { simLevels } from '../level/sim-level.ts';
import type { SortedRecords } from '../level/sorted-records.ts';
import { SimProcess } from '../process/sim-process.ts';
import { underTest } from '../run/under-test.ts';
import type { SimClock } from '../sim-clock.ts';
import type { CrashOptions, SimDisk } from '../sim-disk.ts';
import type { SimNetwork } from '../sim-network.ts';
import type { SimRandom } from '../sim-random.ts';
import { type Boot, type CoreObserver, probedCore } from './core-probe.ts';
import type { Trace } from './trace.ts';

export interface SimMachineOptions {
  readonly config: NodeConfig;
  readonly tuning: Partial<DriverTuning>;
  readonly storeBufferBytes: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly disk: SimDisk;
  readonly random: SimRandom;
  /** See `ProcessClockOptions.rate`. */
  readonly clockRate: number;
  readonly observer: CoreObserver;
  readonly trace: Trace;
  /** A node that nobody ended has ended, or did not start. */
  onEnded(boot: Boot, error: unknown): void;
}

/** From 1 down to here a store answers later than its effect: by the moment, as `DiskTiming` says. */
const LATE_ANSWERS = 0.3;
const LATENESS_KNOT_MS = 3;
const LATE_ANSWER_MS_MAX = 2;

/** A machine with its disk, and the node that runs on it now. */
export class SimMachine {
  readonly id: NodeId;
  readonly disk: SimDisk;
  /** Milliseconds that somebody has set its wall clock off. */
  wallOffsetMs = 0;
  readonly #options: SimMachineOptions;
  #process: SimProcess | undefined;
  #node: Node | undefined;
  #boots = 0;
  readonly #lateness: (atMs: number) => number;
  /** By path: what the databases hold that the process has open, in the order in which it opened them. */
  readonly #stores = new Map<string, SortedRecords>();

  constructor(options: SimMachineOptions) {
    this.#options = options;
    this.#lateness = options.random.named('lateness').curve(LATENESS_KNOT_MS);
    this.id = options.config.id;
    this.disk = options.disk;
  }

  /** A process runs, though it may not have opened its data yet. */
  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get isFrozen(): boolean {
    return this.#process?.gate.isFrozen === true;
  }

  /** Processes that were started here so far. */
  get runs(): number {
    return this.#boots;
  }

  /** Of the process that runs; undefined while it is down. */
  get boot(): Boot | undefined {
    return this.isUp ? { node: this.id, number: this.#boots } : undefined;
  }

  /** Undefined until it has started. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** What is in the databases of the process that runs, the one opened last behind the others. */
  get stores(): readonly SortedRecords[] {
    return [...this.#stores.values()];
  }

  get config(): NodeConfig {
    return this.#options.config;
  }

  start(): void {
    if (this.#process !== undefined) return;
    const { config, tuning, clock, network, random, clockRate, observer } = this.#options;
    this.#boots += 1;
    this.#tell(`begins run ${this.#boots}`);
    const boot: Boot = { node: this.id, number: this.#boots };
    const wallOffsetMs = (): number => this.wallOffsetMs;
    const ofRun = random.named(`run ${this.#boots}`);
    const process = new SimProcess({ clock, network, random: ofRun, host: this.id, clockRate, wallOffsetMs });
    this.#process = process;
    const { transport } = process;
    const disk = process.disk(this.disk);
    const seams = { transport, disk, clock: process.clock, random: process.random };
    const storeLocation = simLevels({
      disk,
      writeBufferBytes: this.#options.storeBufferBytes,
      pause: () => this.#pause(process),
      onChanged: (path, records) => {
        if (this.#process === process) this.#storeChanged(path, records);
      },
    });
    // A machine runs one process after the other.
    const lockDirectory = async (): Promise<DirectoryLock> => ({ release: async () => {} });
    Node.start(
      config,
      { ...seams, storeLocation, lockDirectory },
      { tuning, makeCore: probedCore(boot, observer) },
    ).then(
      (node) => {
        this.#node = underTest(node);
        void node.stopped.then((error) => this.#onEnded(process, boot, error ?? new Error('it stopped')));
      },
      (error: unknown) => this.#onEnded(process, boot, error),
    );
  }

  /** The process is killed; the machine goes on, and with it what was handed to its disk. */
  kill(): void {
    this.#process?.kill();
    this.#leave();
    this.disk.endProcess();
  }

  /** The machine loses power. */
  powerOff(crash: CrashOptions): void {
    this.#process?.vanish();
    this.#leave();
    this.disk.crash(crash);
  }

  freeze(): void {
    if (this.isFrozen) return;
    this.#process?.freeze();
    if (this.isFrozen) this.#tell('stands still');
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.#tell('goes on');
    this.#process?.thaw();
  }

  #leave(): void {
    if (this.isUp) this.#tell('is down');
    this.#process = undefined;
    this.#node = undefined;
    this.#stores.clear();
  }

  #storeChanged(path: string, records: SortedRecords | undefined): void {
    this.#stores.delete(path);
    if (records !== undefined) this.#stores.set(path, records);
  }

  #onEnded(process: SimProcess, boot: Boot, error: unknown): void {
    if (this.#process === process) this.#options.onEnded(boot, error);
  }

  #tell(words: string): void {
    this.#options.trace.record(`${this.id} ${words}`);
  }

  #pause(process: SimProcess): Promise<void> {
    const late = this.#lateness(this.#options.clock.now()) - (1 - LATE_ANSWERS);
    if (late <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      process.clock.setTimer((late / LATE_ANSWERS) * LATE_ANSWER_MS_MAX, resolve);
    });
  }
}
