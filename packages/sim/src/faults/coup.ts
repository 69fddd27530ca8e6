import { logUniform } from '../run/draw.ts';
import { killAndComeBack } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import { separate } from './partition.ts';

/**
 * The primary is cut off, with some of the clients, connections break, and all other nodes start again at that moment: they have forgotten
 * whom they were loyal to, and elect another before the old one can know (faults 13 and 52).
 */
export interface Coup {
  readonly kind: 'coup';
  readonly clients: readonly string[];
  /** Until they start. */
  readonly awayMs: number;
  /** Until the network is whole. */
  readonly forMs: number;
}

export const coup: FaultType<Coup> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const clients = scene.clients.filter(() => random.next() < 0.5);
    return {
      kind: 'coup',
      clients,
      awayMs: logUniform(random, 0.5, 20),
      forMs: logUniform(random, 100, 1500),
    };
  },
  inflict({ clients, awayMs, forMs }, world) {
    const { primary, machines } = world.cluster;
    if (primary === undefined) return;
    const side = [primary.id, ...clients];
    world.strikes('coup', `${side.join(' ')} cut off, and all other nodes forget whom they were loyal to`);
    // Else those who are connected wait for answers, and ask nobody on their own side.
    for (const one of side)
      for (const other of world.hosts) if (!side.includes(other)) world.cluster.network.drop(one, other);
    separate(side, forMs, world);
    for (const machine of machines) {
      if (machine === primary || !machine.isUp) continue;
      killAndComeBack(machine, world, { awayMs });
    }
  },
};
