import { logUniform } from '../run/draw.ts';
import { DATABASE } from './data-paths.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/**
 * Writes to a segment that was made whole beforehand find no room all the same, as on file systems that never write in
 * place (btrfs, ZFS).
 */
export interface NoRoom extends Target {
  readonly kind: 'noRoom';
  /** How many of them. */
  readonly times: number;
  /** For so long it may come to them. */
  readonly forMs: number;
}

export const noRoom: FaultType<NoRoom> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const target = drawTarget(random, scene);
    const times = Math.ceil(logUniform(random, 1, 5));
    return { kind: 'noRoom', ...target, times, forMs: logUniform(random, 20, 1000) };
  },
  inflict({ times, forMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    const armed = world.inject(machine, {
      operation: 'write',
      code: 'ENOSPC',
      path: (path) => path.startsWith(`${DATABASE}/wal/`) && path.endsWith('.wal'),
      times,
      onFailed: ({ path }) => world.strikes('noRoom', `${machine.id} finds no room to write ${path}`),
    });
    world.during(forMs, () => armed.clear());
  },
};
