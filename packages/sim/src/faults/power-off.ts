import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import { crashOf, drawLoss, type Loss } from './loss.ts';
import { drawTarget, type Target } from './target.ts';

/** A machine stops, and its disk may have lost what was not synced. */
export interface PowerOff extends Target {
  readonly kind: 'powerOff';
  readonly loss: Loss;
  readonly comeback: Comeback;
}

export const powerOff: FaultType<PowerOff> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    const target = drawTarget(random, scene);
    return { kind: 'powerOff', ...target, loss: drawLoss(random), comeback: drawComeback(random) };
  },
  inflict({ loss, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    machine.powerOff(crashOf(loss));
    world.strikes('powerOff', `${machine.id} loses power`);
    comeBack(machine, comeback, world);
  },
};
