import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

export interface FullDisk extends Target {
  readonly kind: 'fullDisk';
  readonly forMs: number;
}

export const fullDisk: FaultType<FullDisk> = {
  perSecond: [0.05, 0.5],
  draw(random, scene) {
    return { kind: 'fullDisk', ...drawTarget(random, scene), forMs: logUniform(random, 100, 4000) };
  },
  inflict({ forMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    machine.disk.capacityBytes = 0;
    world.strikes('fullDisk', `${machine.id} has a full disk`);
    world.during(forMs, () => {
      machine.disk.capacityBytes = Infinity;
      world.tell(`${machine.id} has room again`);
    });
  },
};
