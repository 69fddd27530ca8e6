import { HoldfastError } from '@holdfast/types';
import type { FaultType } from './fault-type.ts';

/** An operator has the primary hand over. */
export interface Switchover {
  readonly kind: 'switchover';
}

export const switchover: FaultType<Switchover> = {
  perSecond: [0.1, 1],
  draw() {
    return { kind: 'switchover' };
  },
  inflict(_fault, world) {
    const node = world.cluster.primary?.node;
    if (node === undefined) return;
    world.tell(`${node.status().id} is told to hand over`);
    node.switchover().catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) throw error;
    });
  },
};
