import { AssertionError, type Clock, DiskError, type Random } from '@holdfast/types';
import { blame, blamingProduct } from '../run/blame.ts';

/** Where a callback comes from: an event loop that was stopped meets each of them in an order of its own. */
export type GateSource = 'timer' | 'disk' | 'network';

interface Waiting {
  readonly source: GateSource;
  readonly callback: () => void;
}

/**
 * What stands between a process and the world. Everything that calls into the process passes here: while it is
 * frozen all of it waits, and once it is dead nothing gets in any more, whatever it had begun. What is thrown inside is
 * the process's own.
 */
export class ProcessGate {
  readonly #clock: Clock;
  readonly #random: Random;
  #state: 'running' | 'frozen' | 'thawing' | 'dead' = 'running';
  #backlog: Waiting[] = [];

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  run(source: GateSource, callback: () => void): void {
    if (this.#state === 'running') blamingProduct(callback);
    else if (this.#state !== 'dead') this.#backlog.push({ source, callback });
  }

  /** A call out of the process whose answer passes the gate. A dead process is never answered. */
  answer<Result>(source: GateSource, call: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'dead') return;
      call().then(
        (result) => this.run(source, () => resolve(result)),
        (error: unknown) => {
          if (source === 'disk') blameDisk(error);
          this.run(source, () => reject(error));
        },
      );
    });
  }

  freeze(): void {
    if (this.#state === 'running' || this.#state === 'thawing') this.#state = 'frozen';
  }

  /** What waited comes first, source by source in a drawn order, each callback in a turn of its own. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'thawing';
    const order = new Map<GateSource, number>();
    for (const source of ['timer', 'disk', 'network'] as const) order.set(source, this.#random.next());
    this.#backlog.sort((one, other) => order.get(one.source)! - order.get(other.source)!);
    this.#drain();
  }

  kill(): void {
    this.#state = 'dead';
    this.#backlog = [];
  }

  #drain(): void {
    if (this.#state !== 'thawing') return;
    const next = this.#backlog.shift();
    if (next === undefined) {
      this.#state = 'running';
      return;
    }
    blamingProduct(next.callback);
    this.#clock.setTimer(0, () => this.#drain());
  }
}

/** A disk fails with errors of disks, and refuses to be misused. */
function blameDisk(error: unknown): void {
  if (!(error instanceof DiskError || error instanceof AssertionError)) blame(error, 'simulator');
}
