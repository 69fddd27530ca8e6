import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

export interface SlowDisk extends Target {
  readonly kind: 'slowDisk';
  readonly times: number;
  readonly forMs: number;
}

export const slowDisk: FaultType<SlowDisk> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const target = drawTarget(random, scene);
    const times = logUniform(random, 5, 1000);
    return { kind: 'slowDisk', ...target, times, forMs: logUniform(random, 100, 4000) };
  },
  inflict({ times, forMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    const timing = world.cluster.diskTimings.get(machine.id)!;
    timing.slowness = times;
    world.strikes('slowDisk', `${machine.id} has a disk ${times.toFixed(0)} times slower`);
    world.during(forMs, () => {
      timing.slowness = timing.usualSlowness;
      world.tell(`${machine.id} has its disk back`);
    });
  },
};
