import type { Random } from '@holdfast/types';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { keepRandomly, tearRandomly } from '../disk/pending-change.ts';
import { pick } from '../run/draw.ts';
import type { CrashOptions } from '../sim-disk.ts';
import { SimRandom } from '../sim-random.ts';

/** Of what was not synced when power went: nothing survives, all, or what the seed draws. */
export type Loss = 'synced' | 'all' | { readonly seed: number };

export function drawLoss(random: Random): Loss {
  const seed = Math.floor(random.next() * 2 ** 32);
  return pick<Loss>(random, ['synced', 'all', { seed }]);
}

export function crashOf(loss: Loss): CrashOptions {
  if (typeof loss === 'string') return { keep: loss };
  const random = new SimRandom(loss.seed);
  return { keep: keepRandomly(random), tear: tearRandomly(random.named('torn')) };
}

/** It loses power, or is killed if there is no loss. */
export function endBy(machine: SimMachine, loss: Loss | undefined): void {
  if (loss === undefined) machine.kill();
  else machine.powerOff(crashOf(loss));
}
