import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawPrimaryEnd, drawTwoHosts, endsOf, type Way } from './target.ts';

/** What one host sends another leaves at so many bytes a second: it queues up, and what is long takes long. */
export interface SlowLink extends Way {
  readonly kind: 'slowLink';
  readonly bytesPerSecond: number;
  readonly forMs: number;
  /** And the other way. */
  readonly isBothWays?: true;
}

const BOTH_WAYS_SHARE = 0.3;

export const slowLink: FaultType<SlowLink> = {
  perSecond: [0.1, 1.5],
  draw(random, scene) {
    const [from, to] = drawTwoHosts(random, scene);
    return {
      kind: 'slowLink',
      from,
      to,
      bytesPerSecond: Math.round(logUniform(random, 2000, 500_000)),
      forMs: logUniform(random, 100, 5000),
      ...drawPrimaryEnd(random),
      ...(random.next() < BOTH_WAYS_SHARE ? { isBothWays: true } : {}),
    };
  },
  inflict(fault, world) {
    const { bytesPerSecond, forMs, isBothWays } = fault;
    const { network } = world.cluster;
    const ends = endsOf(fault, world);
    if (ends === undefined) return;
    const { from, to } = ends;
    const undos = [network.slow(from, to, bytesPerSecond)];
    if (isBothWays === true) undos.push(network.slow(to, from, bytesPerSecond));
    const way = isBothWays === true ? 'and' : '>';
    world.strikes('slowLink', `${from} ${way} ${to} is slow: ${bytesPerSecond} bytes a second`);
    world.during(forMs, () => {
      for (const undo of undos) undo();
    });
  },
};
