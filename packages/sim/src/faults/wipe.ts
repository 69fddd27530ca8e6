import { pick } from '../run/draw.ts';
import { SimDisk } from '../sim-disk.ts';
import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import { DATABASE, DATABASES, IDENTITY } from './data-paths.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/**
 * The disk of a node is replaced by an empty one, under the old id, or loses all but the name that it has, or the segments
 * of its log are taken away and with them its vote: that is no member of the cluster (G15).
 */
export interface Wipe extends Target {
  readonly kind: 'wipe';
  readonly what: 'disk' | 'databases' | 'log';
  readonly comeback: Comeback;
}

export const wipe: FaultType<Wipe> = {
  perSecond: [0.05, 0.3],
  draw(random, scene) {
    const what = pick(random, ['disk', 'databases', 'log', 'log'] as const);
    return { kind: 'wipe', ...drawTarget(random, scene), what, comeback: drawComeback(random, 500) };
  },
  inflict({ what, comeback, ...target }, world) {
    world.soon(() => {
      const machine = world.find(target);
      if (machine === undefined) return true;
      if (!world.atlas.mayImpair(machine) || !world.holdsNothingAlone(machine)) return false;
      const left = leftOf(machine.disk, what);
      if (left === undefined) return false;
      machine.kill();
      machine.disk.become(left);
      world.atlas.impair(machine, { forGood: true });
      world.watch.promises.damaged(machine.id);
      world.watch.replaced.wiped(machine.id);
      world.marks.meet(what === 'log' ? 'logLost' : 'diskWiped');
      world.strikes('wipe', `${machine.id} is killed, and loses its ${what}`);
      comeBack(machine, comeback, world);
      return true;
    });
  },
};

/**
 * Of a log the reserve stays: it tells that there were segments. Undefined: there is none, or no name beside the databases, as
 * in a directory that is new.
 */
function leftOf(disk: SimDisk, what: Wipe['what']): SimDisk | undefined {
  if (what === 'disk') return new SimDisk();
  const files = disk.snapshotState('live');
  if (!files.has(what === 'log' ? `${DATABASE}/wal/reserve` : IDENTITY)) return undefined;
  const isLost = (path: string): boolean =>
    what === 'log' ? path.endsWith('.wal') : path.startsWith(DATABASES);
  for (const path of files.keys()) if (isLost(path)) files.delete(path);
  return SimDisk.holding(files);
}
