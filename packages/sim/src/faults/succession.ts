import type { SimMachine } from '../cluster/sim-machine.ts';
import { logUniform, pick } from '../run/draw.ts';
import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import type { FaultType } from './fault-type.ts';
import type { FaultWorld } from './fault-world.ts';
import { crashOf, drawLoss, type Loss } from './loss.ts';
import { separate } from './partition.ts';

/**
 * The primary is cut off, with some of the clients, until there is another; a little later that one is gone, and the
 * former is back, with a log that may be longer and older than those of the others (figure 8 of the Raft paper; faults 1,
 * 5 and 15). So it may go on, one primary after the other.
 */
export interface Succession {
  readonly kind: 'succession';
  readonly clients: readonly string[];
  /** How each successor ends, from the moment at which it takes office. */
  readonly ends: readonly SuccessorEnd[];
}

interface SuccessorEnd {
  readonly afterMs: number;
  /** It is killed, loses power, or is cut off in its turn. */
  readonly how: 'kill' | 'powerOff' | 'cut';
  readonly loss: Loss;
  readonly comeback: Comeback;
}

/** A cut that nobody ends. */
const FOR_MS_MAX = 4000;
const ENDS_MAX = 3;

export const succession: FaultType<Succession> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const ends = Array.from({ length: 1 + Math.floor(random.next() * ENDS_MAX) }, (): SuccessorEnd => {
      return {
        afterMs: logUniform(random, 0.1, 100),
        how: pick(random, ['kill', 'powerOff', 'cut', 'cut']),
        loss: drawLoss(random),
        comeback: drawComeback(random, 1000),
      };
    });
    return { kind: 'succession', clients: scene.clients.filter(() => random.next() < 0.5), ends };
  },
  inflict({ clients, ends }, world) {
    const { primary } = world.cluster;
    if (primary === undefined) return;
    world.strikes(
      'succession',
      `${[primary.id, ...clients].join(' ')} cut off until there is another primary`,
    );
    separate([primary.id, ...clients], FOR_MS_MAX, world);
    awaitNext(ends, clients, world);
  },
};

function awaitNext(ends: readonly SuccessorEnd[], clients: readonly string[], world: FaultWorld): void {
  const [end, ...further] = ends;
  if (end === undefined) return;
  world.once('takesOffice', (node) =>
    world.later(end.afterMs, () => {
      world.cluster.network.healAll();
      const machine = world.cluster.machine(node);
      if (machine.isUp) fall(machine, end, clients, world);
      awaitNext(further, clients, world);
    }),
  );
}

function fall(machine: SimMachine, end: SuccessorEnd, clients: readonly string[], world: FaultWorld): void {
  const { how, loss, comeback } = end;
  if (how === 'cut') {
    separate([machine.id, ...clients], FOR_MS_MAX, world);
    return;
  }
  if (how === 'kill') machine.kill();
  else machine.powerOff(crashOf(loss));
  world.tell(`${machine.id} ${how === 'kill' ? 'is killed' : 'loses power'}`);
  comeBack(machine, comeback, world);
}
