import { assertNever, HoldfastError } from '@holdfast/types';
import type { PlannedFault } from './planned-fault.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulationClock } from './simulation-clock.ts';

/** Lets planned faults strike when they are due, and end. */
export class FaultPlan {
  readonly #cluster: SimulatedCluster;
  readonly #clock: SimulationClock;
  readonly #onFailure: (error: unknown) => void;
  #isOn = true;

  constructor(parts: {
    readonly cluster: SimulatedCluster;
    readonly clock: SimulationClock;
    /** A fault could not strike: there was no such node in time. */
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#cluster = parts.cluster;
    this.#clock = parts.clock;
    this.#onFailure = parts.onFailure;
  }

  start(faults: readonly PlannedFault[]): void {
    for (const fault of faults) this.#later(fault.afterMs, () => this.#strike(fault));
  }

  /** What has not struck does not, and what lasts is left to whoever stops it. */
  stop(): void {
    this.#isOn = false;
  }

  async #strike(fault: PlannedFault): Promise<void> {
    if (fault.kind === 'switchover') return this.#switchover(fault.to);
    const end = fault.kind === 'cut' ? this.#cut(fault.between) : await this.#strikeNode(fault);
    if (fault.forMs !== undefined) this.#later(fault.forMs, async () => end());
  }

  #cut([one, other]: readonly [string, string]): () => void {
    this.#cluster.cut(one, other);
    return () => this.#cluster.heal(one, other);
  }

  /** Answers what ends it. */
  async #strikeNode(fault: Exclude<PlannedFault, { kind: 'cut' | 'switchover' }>): Promise<() => void> {
    const cluster = this.#cluster;
    const node = await this.#chosen(fault.node);
    switch (fault.kind) {
      case 'kill':
        cluster.kill(node);
        return () => cluster.start(node);
      case 'powerOff':
        cluster.powerOff(node);
        return () => cluster.start(node);
      case 'freeze':
        cluster.freeze(node);
        return () => cluster.thaw(node);
      case 'isolate':
        cluster.isolate(node);
        return () => cluster.rejoin(node);
      case 'fullDisk':
        cluster.fillDisk(node);
        return () => cluster.freeDisk(node);
      case 'slowDisk':
        cluster.slowDisk(node, fault.times);
        return () => cluster.slowDisk(node, 1);
      default:
        return assertNever(fault);
    }
  }

  async #switchover(to: string | undefined): Promise<void> {
    await this.#cluster.waitForPrimary();
    try {
      await this.#cluster.switchover(to);
    } catch (error) {
      // The primary may go on instead: that is for the application to live with.
      if (!(error instanceof HoldfastError)) throw error;
    }
  }

  async #chosen(choice: string): Promise<string> {
    if (choice === 'primary') return this.#cluster.waitForPrimary();
    if (choice === 'standby') return this.#cluster.waitForStandby();
    return choice;
  }

  #later(delayMs: number, work: () => Promise<void>): void {
    this.#clock.setTimer(delayMs, () => {
      if (this.#isOn) work().catch(this.#onFailure);
    });
  }
}
