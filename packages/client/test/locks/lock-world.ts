import { SimRandom } from '@holdfast/sim';
import type { Clock, Timer } from '@holdfast/types';
import type { Holdfast, Seams } from '../../src/index.ts';
import { World } from '../support/world.ts';

/** A process with a client of its own. */
export interface LockProcess {
  readonly db: Holdfast;
  readonly seams: Seams;
  /** Its timers stand still, as in one that was stopped; what it has asked others to do goes on, and time does. */
  freeze(): void;
  thaw(): void;
}

/** A world whose keys expire, and whose processes can stand still. */
export class LockWorld {
  readonly world: World;
  #processes = 0;

  private constructor(world: World) {
    this.world = world;
  }

  static async start(): Promise<LockWorld> {
    return new LockWorld(await World.start(3, { keysExpire: true }));
  }

  async process(): Promise<LockProcess> {
    this.#processes += 1;
    const clock = new FreezableClock(this.world.clock);
    const seams = {
      transport: this.world.network.transport(`app${this.#processes}`),
      clock,
      random: new SimRandom(this.#processes),
    };
    const db = await this.world.opened({ seams });
    return { db, seams, freeze: () => clock.freeze(), thaw: () => clock.thaw() };
  }

  drive<Result>(promise: Promise<Result>): Promise<Result> {
    return this.world.drive(promise);
  }

  /** Writes that were carried out. */
  get writes(): number {
    return this.world.cluster.state.executed;
  }
}

class FreezableClock implements Clock {
  readonly #inner: Clock;
  #isFrozen = false;
  #due: (() => void)[] = [];

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now();
  }

  wallTime(): number {
    return this.#inner.wallTime();
  }

  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer {
    let isCancelled = false;
    const fire = (): void => {
      if (isCancelled) return;
      if (this.#isFrozen) this.#due.push(fire);
      else callback();
    };
    const timer = this.#inner.setTimer(delayMs, fire, options);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const fire of this.#due.splice(0)) fire();
  }
}
