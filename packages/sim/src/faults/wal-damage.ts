import { pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';
import { damageablePlaces, isToldOf } from './wal-places.ts';

/**
 * A bit of the log flips, or a sector of it is lost. Never what only this disk holds, and never what nothing behind it
 * calls synced, for that cannot be told from a torn tail (a stated limit).
 */
export interface WalDamage extends Target {
  readonly kind: 'walDamage';
  readonly what: 'bit' | 'sector';
  /** Of the place. */
  readonly seed: number;
  /** The node is killed first; without it goes on, and meets the damage when it reads it. */
  readonly comeback?: Comeback;
}

export const walDamage: FaultType<WalDamage> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    return {
      kind: 'walDamage',
      ...drawTarget(random, scene),
      what: pick(random, ['bit', 'bit', 'sector']),
      seed: Math.floor(random.next() * 2 ** 32),
      ...(random.next() < 0.75 ? { comeback: drawComeback(random, 500) } : {}),
    };
  },
  inflict({ what, seed, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined || !world.atlas.mayImpair(machine)) return;
    if (comeback !== undefined && machine.isUp) {
      machine.kill();
      world.tell(`${machine.id} is killed`);
      comeBack(machine, comeback, world);
    }
    const places = damageablePlaces(machine, world.watch, what === 'bit' ? 1 : 512);
    if (places.length === 0) return;
    const random = new SimRandom(seed);
    const place = pick(random, places)(random);
    const { path, position, length } = place;
    world.watch.promises.damaged(machine.id, { mustTell: isToldOf(machine, world.watch, place) });
    world.atlas.impair(machine, { forGood: false });
    world.marks.meet('logDamaged');
    if (what === 'bit') machine.disk.corrupt(path, position, 1 << Math.floor(random.next() * 8));
    else machine.disk.lose(path, position, length);
    world.strikes('walDamage', `${machine.id} loses a ${what} of ${path} at ${position}`);
  },
};
