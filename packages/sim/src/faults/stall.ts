import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTwoHosts } from './target.ts';

/** What is sent one way waits for a while, as if TCP had to send it again. */
export interface Stall {
  readonly kind: 'stall';
  readonly from: string;
  readonly to: string;
  readonly forMs: number;
}

export const stall: FaultType<Stall> = {
  perSecond: [1, 40],
  draw(random, scene) {
    const [from, to] = drawTwoHosts(random, scene);
    return { kind: 'stall', from, to, forMs: logUniform(random, 5, 500) };
  },
  inflict({ from, to, forMs }, world) {
    world.cluster.network.stall(from, to, forMs);
    world.strikes('stall', `${from} > ${to} is stalled for ${forMs.toFixed(0)} ms`);
  },
};
