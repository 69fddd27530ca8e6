import { Sagas } from '../../src/sagas/index.ts';
import { type LockProcess, LockWorld } from '../locks/lock-world.ts';
import type { World } from '../support/world.ts';

export const TTL_MS = 300;

/** A process that works on sagas. */
export interface SagaProcess extends LockProcess {
  readonly sagas: Sagas;
}

/** A world whose processes work on sagas, each with a client of its own. */
export class SagaWorld {
  readonly #locks: LockWorld;

  private constructor(locks: LockWorld) {
    this.#locks = locks;
  }

  static async start(): Promise<SagaWorld> {
    return new SagaWorld(await LockWorld.start());
  }

  get world(): World {
    return this.#locks.world;
  }

  async process(): Promise<SagaProcess> {
    const process = await this.#locks.process();
    return { ...process, sagas: new Sagas(process.db, { seams: process.seams, ttlMs: TTL_MS }) };
  }
}
