import type { FaultType } from './fault-type.ts';
import { drawTwoHosts } from './target.ts';

/** All connections between two hosts, with what is under way. */
export interface Break {
  readonly kind: 'break';
  readonly one: string;
  readonly other: string;
}

export const breakLinks: FaultType<Break> = {
  perSecond: [0.2, 5],
  draw(random, scene) {
    const [one, other] = drawTwoHosts(random, scene);
    return { kind: 'break', one, other };
  },
  inflict({ one, other }, world) {
    world.cluster.network.drop(one, other);
    world.strikes('break', `links between ${one} and ${other} break`);
  },
};
