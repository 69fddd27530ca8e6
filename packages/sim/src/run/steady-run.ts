import { Holdfast } from '@holdfast/client';
import { SimCluster } from '../cluster/sim-cluster.ts';
import { underTest } from './under-test.ts';
import { Watch } from './watch.ts';

const KEYS = 10;

/** A cluster of default settings without faults, under all oracles that watch each step: to see how fast runs go. */
export class SteadyRun {
  readonly #watch: Watch;
  readonly #cluster: SimCluster;
  #calls = 0;
  #isOver = false;

  private constructor(nodes: number) {
    this.#watch = new Watch(nodes);
    this.#cluster = new SimCluster({
      seed: 1,
      nodes,
      observer: this.#watch,
      onNodeEnded: (boot, error) => this.#watch.onNodeEnded(boot, error),
    });
    this.#watch.follow(this.#cluster);
  }

  static async formed(nodes: number): Promise<SteadyRun> {
    const run = new SteadyRun(nodes);
    run.#cluster.startAll();
    await run.#cluster.clock.runUntil(() => run.#cluster.primary !== undefined);
    return run;
  }

  /** Timers fired so far. */
  get events(): number {
    return this.#cluster.clock.fired;
  }

  /** Calls that were answered. */
  get calls(): number {
    return this.#calls;
  }

  /** From now on one client writes and reads in turns, so many calls a virtual second. */
  load(callsPerSecond: number): void {
    const { clock } = this.#cluster;
    const { transport, clock: own, random } = this.#cluster.clientProcess('c1');
    const db = underTest(new Holdfast(this.#cluster.urls, { seams: { transport, clock: own, random } }));
    const call = async (number: number): Promise<void> => {
      const key = `key ${number % KEYS}`;
      if (number % 2 === 0) await db.put(key, `value ${number}`);
      else await db.get(key);
      this.#calls += 1;
    };
    const next = (number: number): void => {
      if (this.#isOver) return;
      call(number).catch((error: unknown) => this.#watch.fails(error));
      clock.setTimer(1000 / callsPerSecond, () => next(number + 1));
    };
    next(0);
  }

  /** Lets time pass. Throws what an oracle has seen. */
  async advance(ms: number): Promise<void> {
    await this.#cluster.clock.advance(ms);
    if (this.#watch.failure !== undefined) throw this.#watch.failure;
  }

  /** No further calls. */
  end(): void {
    this.#isOver = true;
  }
}
