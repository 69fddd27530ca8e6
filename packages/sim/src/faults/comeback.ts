import type { Random } from '@holdfast/types';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { logUniform } from '../run/draw.ts';
import type { FaultWorld } from './fault-world.ts';
import { drawLoss, endBy, type Loss } from './loss.ts';

/** How a node that is down comes back. */
export interface Comeback {
  readonly awayMs: number;
  /** It fails again, before it has read its disk or just after: it loses power, or is killed if there is no loss. */
  readonly fails?: { readonly afterMs: number; readonly loss?: Loss; readonly comeback: Comeback };
}

const FAILS_AGAIN = 0.25;
const AT_ONCE: Comeback = { awayMs: 1 };

export function drawComeback(random: Random, awayMsMax: number = 3000): Comeback {
  const awayMs = logUniform(random, 1, awayMsMax);
  if (random.next() > FAILS_AGAIN) return { awayMs };
  const loss = random.next() < 0.5 ? { loss: drawLoss(random) } : {};
  const afterMs = logUniform(random, 0.1, 60);
  return { awayMs, fails: { afterMs, ...loss, comeback: drawComeback(random, 500) } };
}

/** It is killed at this moment, and comes back; at once unless told otherwise. */
export function killAndComeBack(machine: SimMachine, world: FaultWorld, comeback: Comeback = AT_ONCE): void {
  machine.kill();
  world.tell(`${machine.id} is killed`);
  comeBack(machine, comeback, world);
}

/** Once the node is down. */
export function comeBack(machine: SimMachine, { awayMs, fails }: Comeback, world: FaultWorld): void {
  world.later(awayMs, () => {
    if (machine.isUp) return;
    world.tell(`${machine.id} starts`);
    machine.start();
    if (fails === undefined) return;
    world.later(fails.afterMs, () => {
      if (!machine.isUp) return;
      endBy(machine, fails.loss);
      world.tell(`${machine.id} fails while it starts`);
      comeBack(machine, fails.comeback, world);
    });
  });
}
