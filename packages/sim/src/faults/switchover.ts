import { HoldfastError, nodeId } from '@holdfast/types';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';

/** An operator has the primary hand over. */
export interface Switchover {
  readonly kind: 'switchover';
  /** To this node, which freezes at that moment. Absent: to whom it likes. */
  readonly frozen?: FrozenSuccessor;
  /** So long after the successor has taken office it is told to hand back. */
  readonly backMs?: number;
}

interface FrozenSuccessor {
  readonly node: string;
  readonly forMs: number;
  /** Not before it is told to stand: the order lies there until it is thawed. */
  readonly whenOrdered?: true;
}

const FROZEN_SHARE = 0.5;
const ORDERED_SHARE = 0.5;
const BACK_SHARE = 0.5;

export const switchover: FaultType<Switchover> = {
  perSecond: [0.1, 1],
  draw(random, { nodes }) {
    if (random.next() >= FROZEN_SHARE)
      return {
        kind: 'switchover',
        ...(random.next() < BACK_SHARE ? { backMs: logUniform(random, 0.5, 200) } : {}),
      };
    const frozen = { node: pick(random, nodes), forMs: logUniform(random, 100, 3000) };
    if (random.next() >= ORDERED_SHARE) return { kind: 'switchover', frozen };
    return { kind: 'switchover', frozen: { ...frozen, whenOrdered: true } };
  },
  inflict({ frozen, backMs }, world) {
    const { primary } = world.cluster;
    if (primary?.node === undefined) return;
    const target = frozen === undefined ? undefined : world.find(frozen);
    if (frozen !== undefined && (target?.isUp !== true || target === primary || target.isFrozen)) return;
    if (frozen !== undefined && target !== undefined) {
      if (frozen.whenOrdered === true) world.once('ordersToStand', () => freeze(target, frozen.forMs, world));
      else freeze(target, frozen.forMs, world);
    }
    world.strikes('switchover', `${primary.id} is told to hand over`);
    handOver(primary, target);
    if (backMs === undefined) return;
    world.once('takesOffice', (node) =>
      world.later(backMs, () => {
        const successor = world.cluster.machine(node);
        world.tell(`${node} is told to hand back to ${primary.id}`);
        handOver(successor, primary);
      }),
    );
  },
};

function handOver(from: SimMachine, to: SimMachine | undefined): void {
  from.node?.switchover(to === undefined ? undefined : nodeId(to.id)).catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
  });
}

function freeze(target: SimMachine, forMs: number, world: FaultWorld): void {
  if (!target.isUp || target.isFrozen) return;
  target.freeze();
  world.tell(`${target.id} freezes`);
  world.during(forMs, () => {
    target.thaw();
    world.tell(`${target.id} is thawed`);
  });
}
