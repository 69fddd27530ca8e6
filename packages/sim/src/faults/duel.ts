import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';

/**
 * The primary, alone or with one standby, is cut off from the rest, and the disk of one of them is slow (fault 23). The
 * rest elects another primary, if it is a majority, and when they hear of it, what the old one sent is still on its way
 * to the disk (fault 17).
 */
export interface Duel {
  readonly kind: 'duel';
  /** Absent: none, and it is the disk of the primary that is slow. */
  readonly standby?: string;
  /** Times that the disk is slower. */
  readonly times: number;
  /** Until it is no longer cut off. */
  readonly forMs: number;
  /** Sooner: so long after the others have a primary. */
  readonly officeMs?: number;
  /** From then on until its disk is well. */
  readonly slowMs: number;
}

const ALONE_SHARE = 0.5;
/** Of those that end before the new primary has written much: what the old one has sent may reach further then. */
const OFFICE_SHARE = 0.5;

export const duel: FaultType<Duel> = {
  perSecond: [0.1, 1],
  draw(random, { nodes }) {
    return {
      kind: 'duel',
      ...(random.next() < ALONE_SHARE ? {} : { standby: pick(random, nodes) }),
      times: logUniform(random, 50, 500),
      forMs: logUniform(random, 100, 1500),
      slowMs: logUniform(random, 50, 1000),
      ...(random.next() < OFFICE_SHARE ? { officeMs: logUniform(random, 0.5, 200) } : {}),
    };
  },
  inflict({ standby, times, forMs, slowMs, officeMs }, world) {
    const { cluster } = world;
    const primary = cluster.primary;
    const machine = standby === undefined ? primary : world.find({ node: standby });
    if (primary === undefined || machine === undefined) return;
    const side = machine === primary ? [primary.id] : [primary.id, machine.id];
    for (const one of side)
      for (const { id } of cluster.machines) if (!side.includes(id)) cluster.network.cut(one, id);
    const timing = cluster.diskTimings.get(machine.id)!;
    timing.slowDown(times);
    world.strikes(
      'duel',
      `${side.join(' ')} cut off from the other nodes, and the disk of ${machine.id} is slow`,
    );
    world.during(forMs + slowMs, () => timing.recover());
    world.healAfter(forMs);
    if (officeMs !== undefined) world.once('takesOffice', () => world.healAfter(officeMs));
  },
};
