import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/** A process is stopped for a while, and its machine is not. */
export interface Freeze extends Target {
  readonly kind: 'freeze';
  readonly forMs: number;
}

export const freeze: FaultType<Freeze> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    return { kind: 'freeze', ...drawTarget(random, scene), forMs: logUniform(random, 10, 3000) };
  },
  inflict({ forMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined || !machine.isUp || machine.isFrozen) return;
    machine.freeze();
    world.strikes('freeze', `${machine.id} freezes`);
    world.during(forMs, () => {
      machine.thaw();
      world.tell(`${machine.id} is thawed`);
    });
  },
};
