import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/** A process ends without a word; its machine goes on. */
export interface Kill extends Target {
  readonly kind: 'kill';
  readonly comeback: Comeback;
}

export const kill: FaultType<Kill> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    return { kind: 'kill', ...drawTarget(random, scene), comeback: drawComeback(random) };
  },
  inflict({ comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    machine.kill();
    world.strikes('kill', `${machine.id} is killed`);
    comeBack(machine, comeback, world);
  },
};
