import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import { crashOf, drawLoss, type Loss } from './loss.ts';

/** All machines lose power at once. */
export interface AllDown {
  readonly kind: 'allDown';
  readonly nodes: readonly { readonly node: string; readonly loss: Loss; readonly comeback: Comeback }[];
}

export const allDown: FaultType<AllDown> = {
  perSecond: [0.05, 0.3],
  draw(random, scene) {
    const nodes = scene.nodes.map((node) => ({
      node,
      loss: drawLoss(random),
      comeback: drawComeback(random),
    }));
    return { kind: 'allDown', nodes };
  },
  inflict({ nodes }, world) {
    const struck = nodes.flatMap(({ node, loss, comeback }) => {
      const machine = world.find({ node });
      return machine?.isUp === true ? [{ machine, loss, comeback }] : [];
    });
    if (struck.length > 0) world.strikes('allDown', 'all machines lose power');
    for (const { machine, loss, comeback } of struck) {
      machine.powerOff(crashOf(loss));
      world.tell(`${machine.id} loses power`);
      comeBack(machine, comeback, world);
    }
    if (world.cluster.machines.every(({ isUp }) => !isUp)) world.marks.meet('allNodesDown');
  },
};
