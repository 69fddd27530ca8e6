import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { separate } from './partition.ts';

/**
 * The next time that something is logged the connections of one client break, and it reaches nobody for a while: it has
 * asked for something and cannot know what became of it (faults 48, 50 and 54). What nodes say to each other may be late
 * meanwhile, so that it is still under way when the client asks again.
 */
export interface LostAnswer {
  readonly kind: 'lostAnswer';
  readonly client: string;
  readonly awayMs: number;
  /** Of what nodes say to each other. */
  readonly lateMs?: number;
}

const LATE_SHARE = 0.5;
/** Of those that are over before anybody has given anything up; the others outlast deadlines and sessions. */
const SHORT_SHARE = 0.4;

export const lostAnswer: FaultType<LostAnswer> = {
  perSecond: [0.2, 2],
  draw(random, { clients }) {
    return {
      kind: 'lostAnswer',
      client: pick(random, clients),
      awayMs: random.next() < SHORT_SHARE ? logUniform(random, 0.1, 30) : logUniform(random, 100, 4000),
      ...(random.next() < LATE_SHARE ? { lateMs: logUniform(random, 5, 300) } : {}),
    };
  },
  inflict({ client, awayMs, lateMs }, world) {
    if (!world.hosts.includes(client)) return;
    world.upon({ event: 'logs', delayMs: 0 }, () => {
      const { machines, network } = world.cluster;
      for (const { id } of machines) network.drop(client, id);
      world.strikes('lostAnswer', `connections of ${client} break, and it reaches nobody`);
      separate([client], awayMs, world);
      if (lateMs === undefined) return;
      for (const one of machines)
        for (const other of machines) if (one !== other) network.stall(one.id, other.id, lateMs);
    });
  },
};
