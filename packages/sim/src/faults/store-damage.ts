import { pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import { type Comeback, drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/** A bit of a file of the store flips; a snapshot that is being taken in has a store as well. */
export interface StoreDamage extends Target {
  readonly kind: 'storeDamage';
  /** Of the place. */
  readonly seed: number;
  /** The node is killed first; without it goes on, and meets the damage when it opens the store again. */
  readonly comeback?: Comeback;
}

const FILES = /\/(CURRENT|MANIFEST-\d{6}|\d{6}\.(ldb|log))$/;

export const storeDamage: FaultType<StoreDamage> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    return {
      kind: 'storeDamage',
      ...drawTarget(random, scene),
      seed: Math.floor(random.next() * 2 ** 32),
      ...(random.next() < 0.75 ? { comeback: drawComeback(random, 500) } : {}),
    };
  },
  inflict({ seed, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined || !world.atlas.mayImpair(machine)) return;
    if (comeback !== undefined && machine.isUp) killAndComeBack(machine, world, comeback);
    const stores = machine.disk.directories(DATABASE).filter((path) => /\/store(-\d+)?$/.test(path));
    const files = stores.flatMap((store) => [...machine.disk.files(store)]);
    const found = files.filter(([path, bytes]) => FILES.test(path) && bytes.length > 0);
    if (found.length === 0) return;
    const random = new SimRandom(seed);
    const [path, bytes] = pick(random, found);
    const position = Math.floor(random.next() * bytes.length);
    machine.disk.corrupt(path, position, 1 << Math.floor(random.next() * 8));
    world.watch.promises.storeDamaged(machine.id);
    world.atlas.impair(machine, { forGood: false });
    world.marks.meet('storeDamaged');
    if (path.includes('/MANIFEST-')) world.marks.meet('manifestDamaged');
    world.strikes('storeDamage', `${machine.id} loses a bit of ${path} at ${position}`);
  },
};
