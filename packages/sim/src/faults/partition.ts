import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';

/** Some hosts hear nothing from the others for a while, and the reverse. */
export interface Partition {
  readonly kind: 'partition';
  readonly side: readonly string[];
  readonly forMs: number;
}

/** One host from all others: a client for longer than its session lives, now and then. */
const ONE_SHARE = 0.3;

export const partition: FaultType<Partition> = {
  perSecond: [0.1, 1.5],
  draw(random, { hosts }) {
    if (random.next() < ONE_SHARE)
      return { kind: 'partition', side: [pick(random, hosts)], forMs: logUniform(random, 30, 6000) };
    const side = hosts.filter(() => random.next() < 0.5);
    return { kind: 'partition', side, forMs: logUniform(random, 30, 3000) };
  },
  inflict({ side, forMs }, world) {
    world.strikes('partition', `${side.join(' ') || 'nobody'} cut off from the rest`);
    separate(side, forMs, world);
  },
};

export function separate(side: readonly string[], forMs: number, world: FaultWorld): void {
  for (const one of side)
    for (const other of world.hosts) if (!side.includes(other)) world.cluster.network.cut(one, other);
  world.healAfter(forMs);
}
