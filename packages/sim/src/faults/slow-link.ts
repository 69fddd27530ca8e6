import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTwoHosts } from './target.ts';

/** What one host sends another leaves at so many bytes a second: it queues up, and what is long takes long. */
export interface SlowLink {
  readonly kind: 'slowLink';
  readonly from: string;
  readonly to: string;
  readonly bytesPerSecond: number;
  readonly forMs: number;
  /** Instead of that end: who is the primary then. */
  readonly primaryIs?: 'from' | 'to';
  /** And the other way. */
  readonly isBothWays?: true;
}

const PRIMARY_SHARE = 0.5;
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
      ...(random.next() < PRIMARY_SHARE ? { primaryIs: pick(random, ['from', 'to']) } : {}),
      ...(random.next() < BOTH_WAYS_SHARE ? { isBothWays: true } : {}),
    };
  },
  inflict({ bytesPerSecond, forMs, primaryIs, isBothWays, ...fault }, world) {
    const { network, primary } = world.cluster;
    const from = primaryIs === 'from' ? (primary?.id ?? fault.from) : fault.from;
    const to = primaryIs === 'to' ? (primary?.id ?? fault.to) : fault.to;
    if (from === to) return;
    const undos = [network.slow(from, to, bytesPerSecond)];
    if (isBothWays === true) undos.push(network.slow(to, from, bytesPerSecond));
    const way = isBothWays === true ? 'and' : '>';
    world.strikes('slowLink', `${from} ${way} ${to} is slow: ${bytesPerSecond} bytes a second`);
    world.during(forMs, () => {
      for (const undo of undos) undo();
    });
  },
};
