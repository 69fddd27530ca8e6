import { between, logUniform, pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import type { FaultType } from './fault-type.ts';

/** Of what one node says to another a part arrives twice, the second time after what was said later. */
export interface Repeats {
  readonly kind: 'repeats';
  readonly from: string;
  readonly to: string;
  readonly share: number;
  readonly lateMsMax: number;
  /** Of which of them, and how late. */
  readonly seed: number;
  readonly forMs: number;
}

export const repeats: FaultType<Repeats> = {
  perSecond: [0.2, 3],
  draw(random, { nodes }) {
    return {
      kind: 'repeats',
      from: pick(random, nodes),
      to: pick(random, nodes),
      share: between(random, 0, 0.5),
      lateMsMax: logUniform(random, 1, 3000),
      seed: Math.floor(random.next() * 2 ** 32),
      forMs: logUniform(random, 100, 4000),
    };
  },
  inflict({ from, to, share, lateMsMax, seed, forMs }, world) {
    if (from === to) return;
    const { network } = world.cluster;
    const onRepeated = (): void => world.marks.meet('messageRepeated');
    network.repeat({ from, to, share, lateMsMax, random: new SimRandom(seed), onRepeated });
    world.strikes('repeats', `${(share * 100).toFixed(0)} % of what ${from} says to ${to} arrives twice`);
    world.during(forMs, () => network.stopRepeats(from, to));
  },
};
