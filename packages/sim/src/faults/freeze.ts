import type { SimMachine } from '../cluster/sim-machine.ts';
import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';
import { drawTarget, type Target } from './target.ts';

/** A process is stopped for a while, and its machine is not. */
export interface Freeze extends Target {
  readonly kind: 'freeze';
  readonly forMs: number;
  /**
   * Instead it is whoever logs something next, with all of that still to come, until so long after another has taken
   * office, if that is sooner (fault 13).
   */
  readonly officeMs?: number;
}

const OFFICE_SHARE = 0.3;
const OFFICE_FOR_MS = 4000;

export const freeze: FaultType<Freeze> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    const target = drawTarget(random, scene);
    const forMs = logUniform(random, 10, 3000);
    if (random.next() >= OFFICE_SHARE) return { kind: 'freeze', ...target, forMs };
    return { kind: 'freeze', ...target, forMs: OFFICE_FOR_MS, officeMs: logUniform(random, 1, 2000) };
  },
  inflict({ forMs, officeMs, ...target }, world) {
    if (officeMs === undefined) {
      stop(world.find(target), forMs, world);
      return;
    }
    world.upon({ event: 'logs', delayMs: 0 }, () => {
      const machine = world.find({ ...target, isThere: true });
      const thaw = stop(machine, forMs, world);
      world.once('takesOffice', () => world.later(officeMs, () => thaw?.()));
    });
  },
};

/** Answers how to end it sooner; undefined: there is nothing to stop. */
function stop(machine: SimMachine | undefined, forMs: number, world: FaultWorld): (() => void) | undefined {
  if (machine === undefined || !machine.isUp || machine.isFrozen) return undefined;
  const { boot } = machine;
  machine.freeze();
  world.strikes('freeze', `${machine.id} freezes`);
  let isOver = false;
  const thaw = (): void => {
    if (isOver) return;
    isOver = true;
    if (machine.boot?.number !== boot?.number) return;
    machine.thaw();
    world.tell(`${machine.id} is thawed`);
  };
  world.during(forMs, thaw);
  return thaw;
}
