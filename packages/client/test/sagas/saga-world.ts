import { SimRandom } from '@holdfast/sim';
import type { Clock, Timer } from '@holdfast/types';
import type { Holdfast } from '../../src/index.ts';
import { Sagas } from '../../src/sagas/index.ts';
import { World } from '../support/world.ts';

export const TTL_MS = 300;

/** A process that works on sagas. */
export interface SagaProcess {
  readonly db: Holdfast;
  readonly sagas: Sagas;
  /** Its timers stand still, as in one that was stopped; what it has asked others to do goes on. */
  freeze(): void;
  thaw(): void;
}

/** A world whose processes work on sagas, each with a client of its own. */
export class SagaWorld {
  readonly world: World;
  #processes = 0;

  private constructor(world: World) {
    this.world = world;
  }

  static async start(): Promise<SagaWorld> {
    return new SagaWorld(await World.start());
  }

  async process(): Promise<SagaProcess> {
    this.#processes += 1;
    const db = await this.world.opened();
    const clock = new FreezableClock(this.world.clock);
    const seams = { transport: undefined as never, clock, random: new SimRandom(this.#processes) };
    return {
      db,
      sagas: new Sagas(db, { seams, ttlMs: TTL_MS }),
      freeze: () => clock.freeze(),
      thaw: () => clock.thaw(),
    };
  }
}

class FreezableClock implements Clock {
  readonly #inner: Clock;
  #frozen = false;
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
    let cancelled = false;
    const fire = (): void => {
      if (cancelled) return;
      if (this.#frozen) this.#due.push(fire);
      else callback();
    };
    const timer = this.#inner.setTimer(delayMs, fire, options);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const fire of this.#due.splice(0)) fire();
  }
}
