import { logUniform } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { separate } from './partition.ts';

/** The primary with some of the clients, which it may tell what the others never hear of. */
export interface IsolatePrimary {
  readonly kind: 'isolatePrimary';
  readonly clients: readonly string[];
  readonly forMs: number;
}

export const isolatePrimary: FaultType<IsolatePrimary> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const clients = scene.clients.filter(() => random.next() < 0.7);
    return { kind: 'isolatePrimary', clients, forMs: logUniform(random, 30, 3000) };
  },
  inflict({ clients, forMs }, world) {
    const { primary } = world.cluster;
    if (primary === undefined) return;
    const side = [primary.id, ...clients];
    world.strikes('isolatePrimary', `${side.join(' ')} cut off from the rest`);
    separate(side, forMs, world);
  },
};
