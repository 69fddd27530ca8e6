import type { HardState } from '@holdfast/core';
import type { Position } from '@holdfast/types';
import type { SimMachine } from '../cluster/sim-machine.ts';
import { logUniform, pick } from '../run/draw.ts';
import type { SimDisk } from '../sim-disk.ts';
import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';
import type { Target } from './target.ts';

/**
 * The directory of a node is put back from a copy of some time ago. The cluster finds that while the primary is in
 * office to which the node had acknowledged more; later nobody can tell (a stated limit). So no vote is taken back by
 * it, and a majority of the others has all that the node had.
 */
export interface PutBack extends Target {
  readonly kind: 'putBack';
  /** Of the copy. */
  readonly ageMs: number;
  readonly comeback: Comeback;
}

interface Copy {
  readonly disk: SimDisk;
  readonly last: Position;
  readonly hardState: HardState;
  readonly filed: number;
}

export const putBack: FaultType<PutBack> = {
  perSecond: [0.1, 1],
  draw(random, { nodes }) {
    const ageMs = logUniform(random, 20, 2000);
    return {
      kind: 'putBack',
      node: pick(random, nodes),
      ageMs,
      comeback: drawComeback(random, 100),
    };
  },
  inflict({ ageMs, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    world.soon(() => {
      const copy = copyOf(machine, world);
      if (copy === undefined) return false;
      world.later(ageMs, () => world.soon(() => goesBackTo(copy, { machine, comeback, world })));
      return true;
    });
  },
};

function goesBackTo(
  copy: Copy,
  how: { readonly machine: SimMachine; readonly comeback: Comeback; readonly world: FaultWorld },
): boolean {
  const { machine, comeback, world } = how;
  if (!mayGoBackTo(copy, machine, world)) return false;
  machine.kill();
  machine.disk.become(copy.disk);
  // It may serve for a while before the cluster finds that it went back, and is out from then on.
  world.atlas.impair(machine, { forGood: true });
  world.watch.promises.damaged(machine.id);
  world.marks.meet('diskPutBack');
  world.strikes('putBack', `${machine.id} is killed, and put back to ${copy.last.index}@${copy.last.term}`);
  comeBack(machine, comeback, world);
  return true;
}

/** All of it durable, so that the copy says what the node had promised. */
function copyOf(machine: SimMachine, world: FaultWorld): Copy | undefined {
  const core = world.watch.coreOf(machine.id);
  const status = machine.node?.status();
  if (core === undefined || status === undefined || status.divergence.pending > 0) return undefined;
  const { persists, log, hardState } = core.context;
  if (!persists.idle || status.exclusion !== undefined) return undefined;
  const disk = machine.disk.afterCrash({ keep: 'all' });
  return { disk, last: log.last, hardState, filed: status.divergence.filed };
}

function mayGoBackTo(copy: Copy, machine: SimMachine, world: FaultWorld): boolean {
  const core = world.watch.coreOf(machine.id);
  const status = machine.node?.status();
  if (core === undefined || status === undefined || !world.atlas.mayImpair(machine)) return false;
  const { persists, log, hardState } = core.context;
  const isSameVote = hardState.term === copy.hardState.term && hardState.votedFor === copy.hardState.votedFor;
  const isGrownFrom = log.last.index > copy.last.index && log.termAt(copy.last.index) === copy.last.term;
  const lostNothing = status.divergence.pending === 0 && status.divergence.filed === copy.filed;
  const { nodes } = world;
  const holders = world.watch.promises.holders(log.last).filter((id) => id !== machine.id);
  return (
    persists.idle &&
    isSameVote &&
    isGrownFrom &&
    lostNothing &&
    world.watch.stateMachine.termAt(log.last.index) === log.last.term &&
    holders.length > nodes / 2
  );
}
