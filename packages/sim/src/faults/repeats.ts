import { between, logUniform, pick } from '../run/draw.ts';
import { SimRandom } from '../sim-random.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';

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
  /** Instead of that end: who is the primary then. */
  readonly primaryIs?: 'from' | 'to';
  /** The second time comes when who hears it takes office: what was said to the primary of an earlier term (fault 19). */
  readonly awaitsOffice?: true;
}

const PRIMARY_SHARE = 0.5;
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
      ...(random.next() < PRIMARY_SHARE ? { primaryIs: pick(random, ['from', 'to']) } : {}),
      ...(awaits ? { awaitsOffice: true } : {}),
    };
  },
  inflict(fault, world) {
    const { share, lateMsMax, seed, forMs, primaryIs, awaitsOffice: isHeld = false } = fault;
    const { network, primary } = world.cluster;
    const from = primaryIs === 'from' ? (primary?.id ?? fault.from) : fault.from;
    const to = primaryIs === 'to' ? (primary?.id ?? fault.to) : fault.to;
    if (from === to) return;
    const onRepeated = (): void => world.marks.meet('messageRepeated');
    network.repeat({ from, to, share, lateMsMax, random: new SimRandom(seed), isHeld, onRepeated });
    if (isHeld) releaseInOffice({ from, to }, world);
    world.strikes('repeats', `${(share * 100).toFixed(0)} % of what ${from} says to ${to} arrives twice`);
    world.during(forMs, () => network.stopRepeats(from, to));
  },
};

/** Each time that it takes office. */
function releaseInOffice(way: Pick<Repeats, 'from' | 'to'>, world: FaultWorld): void {
  world.once('takesOffice', (node) => {
    if (node === way.to) world.cluster.network.releaseRepeats(way.from, way.to);
    releaseInOffice(way, world);
  });
}
