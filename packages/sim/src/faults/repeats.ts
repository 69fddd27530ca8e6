import { between, logUniform, pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';
import { drawPrimaryEnd, endsOf, type Way } from './target.ts';

/** Of what one node says to another a part arrives twice, the second time after what was said later. */
export interface Repeats extends Way {
  readonly kind: 'repeats';
  readonly share: number;
  readonly lateMsMax: number;
  /** Of which of them, and how late. */
  readonly seed: number;
  readonly forMs: number;
  /** The second time comes when who hears it takes office: what was said to the primary of an earlier term (fault 19). */
  readonly awaitsOffice?: true;
}

const AWAITING_SHARE = 0.4;

export const repeats: FaultType<Repeats> = {
  perSecond: [0.2, 3],
  draw(random, { nodes }) {
    const awaits = random.next() < AWAITING_SHARE;
    return {
      kind: 'repeats',
      from: pick(random, nodes),
      to: pick(random, nodes),
      share: between(random, 0, awaits ? 1 : 0.5),
      lateMsMax: logUniform(random, awaits ? 0.1 : 1, awaits ? 100 : 3000),
      seed: Math.floor(random.next() * 2 ** 32),
      forMs: logUniform(random, awaits ? 1000 : 100, awaits ? 6000 : 4000),
      ...drawPrimaryEnd(random),
      ...(awaits ? { awaitsOffice: true } : {}),
    };
  },
  inflict(fault, world) {
    const { share, lateMsMax, seed, forMs, awaitsOffice: isHeld = false } = fault;
    const { network } = world.cluster;
    const ends = endsOf(fault, world);
    if (ends === undefined) return;
    const { from, to } = ends;
    const onRepeated = (): void => world.marks.meet('messageRepeated');
    network.repeat({ from, to, share, lateMsMax, random: new SimRandom(seed), isHeld, onRepeated });
    if (isHeld) releaseInOffice(ends, world);
    world.strikes('repeats', `${(share * 100).toFixed(0)} % of what ${from} says to ${to} arrives twice`);
    world.during(forMs, () => network.stopRepeats(from, to));
  },
};

/** Each time that it takes office. */
function releaseInOffice(way: Omit<Way, 'primaryIs'>, world: FaultWorld): void {
  world.once('takesOffice', (node) => {
    if (node === way.to) world.cluster.network.releaseRepeats(way.from, way.to);
    releaseInOffice(way, world);
  });
}
