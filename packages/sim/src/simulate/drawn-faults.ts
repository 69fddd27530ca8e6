import type { FaultScene } from '../faults/fault-type.ts';
import { FAULT_KINDS, FAULT_TYPES, type FaultKind, inflict } from '../faults/fault-types.ts';
import type { FaultWorld } from '../faults/fault-world.ts';
import type { SimRandom } from '../sim-random.ts';

/** Lets faults strike at given rates, each kind by draws of its own. */
export class DrawnFaults {
  readonly #world: FaultWorld;
  readonly #random: SimRandom;
  readonly #scene: FaultScene;

  constructor(parts: { readonly world: FaultWorld; readonly random: SimRandom; readonly scene: FaultScene }) {
    this.#world = parts.world;
    this.#random = parts.random;
    this.#scene = parts.scene;
  }

  /** How many of each kind have struck. */
  get counts(): ReadonlyMap<FaultKind, number> {
    return this.#world.struck;
  }

  /** Until the faults of the world end. */
  start(perSecond: Readonly<Partial<Record<FaultKind, number>>>): void {
    for (const kind of FAULT_KINDS) {
      const rate = perSecond[kind] ?? 0;
      if (rate > 0) this.#next(kind, rate, this.#random.named(`fault ${kind}`));
    }
  }

  #next(kind: FaultKind, perSecond: number, random: SimRandom): void {
    this.#world.later((-Math.log(1 - random.next()) / perSecond) * 1000, () => {
      inflict(FAULT_TYPES[kind].draw(random, this.#scene), this.#world);
      this.#next(kind, perSecond, random);
    });
  }
}
