import { between, logUniform, pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import type { FaultType } from './fault-type.ts';

/**
 * Most messages are hardly late for a while, and some are very late, as on links of the world: what is added to the latency
 * follows a Lomax distribution (a Pareto distribution that begins at zero), each way by a curve of its own.
 */
export interface HeavyTail {
  readonly kind: 'heavyTail';
  /** The smaller, the heavier: below 2 its variance is without bound, but for `lateMsMax`. */
  readonly shape: number;
  readonly scaleMs: number;
  readonly lateMsMax: number;
  readonly seed: number;
  readonly forMs: number;
  /** Absent: of all links. */
  readonly host?: string;
}

const HOST_SHARE = 0.4;
/** As of latencies: a message more changes nothing for others. */
const KNOT_MS = 3;

export const heavyTail: FaultType<HeavyTail> = {
  perSecond: [0.1, 1],
  draw(random, { hosts }) {
    return {
      kind: 'heavyTail',
      shape: between(random, 1.3, 3),
      scaleMs: logUniform(random, 0.05, 1),
      lateMsMax: logUniform(random, 50, 1000),
      seed: Math.floor(random.next() * 2 ** 32),
      forMs: logUniform(random, 300, 10_000),
      ...(random.next() < HOST_SHARE ? { host: pick(random, hosts) } : {}),
    };
  },
  inflict({ host, seed, forMs, ...tail }, world) {
    const { network, clock } = world.cluster;
    const random = new SimRandom(seed);
    const undos: (() => void)[] = [];
    for (const from of world.hosts)
      for (const to of world.hosts) {
        if (from === to || (host !== undefined && from !== host && to !== host)) continue;
        const late = random.named(`${from} ${to}`).curve(KNOT_MS, (share) => lateMs(share, tail));
        undos.push(network.delay(from, to, () => late(clock.now())));
      }
    if (undos.length === 0) return;
    const { lateMsMax } = tail;
    world.strikes('heavyTail', `links ${host ?? 'of all'} are late now and then, up to ${lateMsMax} ms`);
    world.during(forMs, () => {
      for (const undo of undos) undo();
    });
  },
};

/** As late as that share of all messages is not. */
function lateMs(share: number, tail: Pick<HeavyTail, 'shape' | 'scaleMs' | 'lateMsMax'>): number {
  return Math.min(tail.lateMsMax, tail.scaleMs * ((1 - share) ** (-1 / tail.shape) - 1));
}
