import type { Random } from '@holdfast/types';
import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { pairsOf } from './mesh.ts';

/** Links are clogged one by one, and freed one by one in another order: FoundationDB's swizzled clogging. */
export interface Swizzle {
  readonly kind: 'swizzle';
  readonly links: readonly {
    readonly between: readonly [one: string, other: string];
    readonly clogMs: number;
    readonly freeMs: number;
  }[];
}

export const swizzle: FaultType<Swizzle> = {
  perSecond: [0.05, 0.6],
  draw(random, { nodes }) {
    const chosen = pairsOf(nodes).filter(() => random.next() < 0.7);
    const stepMs = logUniform(random, 1, 200);
    const ranks = shuffled(random, chosen.length);
    const links = shuffled(random, chosen.length).map((place, rank) => ({
      between: chosen[place]!,
      clogMs: rank * stepMs,
      freeMs: (chosen.length + ranks[rank]!) * stepMs,
    }));
    return { kind: 'swizzle', links };
  },
  inflict({ links }, world) {
    if (links.length === 0) return;
    const { network } = world.cluster;
    world.strikes('swizzle', `${links.length} links are clogged one by one, and freed in another order`);
    for (const { between, clogMs, freeMs } of links) {
      const [one, other] = between;
      world.later(clogMs, () => network.cut(one, other));
      world.during(freeMs, () => network.heal(one, other));
    }
  },
};

function shuffled(random: Random, count: number): number[] {
  const drawn = Array.from({ length: count }, (_, place) => ({ place, order: random.next() }));
  return drawn.sort((one, other) => one.order - other.order).map(({ place }) => place);
}
