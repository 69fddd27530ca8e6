import type { Random } from '@holdfast/types';
import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { separate } from './partition.ts';

/**
 * The next time that something is logged while one client waits for a change its connections break, and it reaches
 * nobody for a while: it cannot know what became of that (faults 48, 50 and 54). What nodes say to each other may be
 * late meanwhile, so that it is still under way when the client asks again.
 */
export interface LostAnswer {
  readonly kind: 'lostAnswer';
  readonly client: string;
  readonly awayMs: number;
  /** Or rather so many times what a session lives unused, if that is short. */
  readonly awayLives?: number;
  /** Of what nodes say to each other. */
  readonly lateMs?: number;
}

const LATE_SHARE = 0.5;
/** Of those that are over before anybody has given anything up; the others outlast deadlines and sessions. */
const SHORT_SHARE = 0.4;
/** Of the others, those that go by the life of a session. */
const LIVES_SHARE = 0.5;
const LIFE_MS_MAX = 2000;

export const lostAnswer: FaultType<LostAnswer> = {
  perSecond: [0.2, 2],
  draw(random, { clients }) {
    return {
      kind: 'lostAnswer',
      client: pick(random, clients),
      ...(random.next() < SHORT_SHARE ? { awayMs: logUniform(random, 0.1, 30) } : drawLong(random)),
      ...(random.next() < LATE_SHARE ? { lateMs: logUniform(random, 5, 300) } : {}),
    };
  },
  inflict({ client, awayMs, awayLives, lateMs }, world) {
    if (!world.hosts.includes(client)) return;
    const wait = (): void =>
      world.upon({ event: 'logs', delayMs: 0 }, () => {
        if (world.isWriting(client)) strike();
        else wait();
      });
    const strike = (): void => {
      const { machines, network } = world.cluster;
      for (const { id } of machines) network.drop(client, id);
      world.strikes('lostAnswer', `connections of ${client} break, and it reaches nobody`);
      const lifeMs = machines[0]!.config.limits.sessionIdleMs;
      const byLives = awayLives !== undefined && lifeMs <= LIFE_MS_MAX;
      separate([client], byLives ? awayLives * lifeMs : awayMs, world);
      if (lateMs === undefined) return;
      for (const one of machines)
        for (const other of machines) if (one !== other) network.stall(one.id, other.id, lateMs);
    };
    wait();
  },
};

function drawLong(random: Random): Pick<LostAnswer, 'awayMs' | 'awayLives'> {
  const awayMs = logUniform(random, 100, 4000);
  return random.next() < LIVES_SHARE ? { awayMs, awayLives: logUniform(random, 1, 3) } : { awayMs };
}
