import { logUniform, pick } from '../run/draw.ts';
import { type Comeback, comeBack, drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { crashOf, drawLoss, type Loss } from './loss.ts';
import { drawTarget, type Target } from './target.ts';

/**
 * The directory of a log fails to sync, and the system drops what that was to cover: the node stops (P10) and finds it
 * when it is back, no later sync takes it along, and only a loss of power shows that it is not there.
 */
export interface DroppedEntries extends Target {
  readonly kind: 'droppedEntries';
  /** For so long it may come to it. */
  readonly forMs: number;
  /** It is started anew at that moment: a start syncs every directory. */
  readonly isRestarted: boolean;
  readonly comeback: Comeback;
  /** Power goes so long after the failure, whatever became of the node. */
  readonly lossAfterMs: number;
  readonly loss: Loss;
}

export const droppedEntries: FaultType<DroppedEntries> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    return {
      kind: 'droppedEntries',
      ...drawTarget(random, scene),
      forMs: logUniform(random, 20, 2000),
      isRestarted: random.next() < 0.5,
      comeback: drawComeback(random, 300),
      lossAfterMs: logUniform(random, 20, 3000),
      loss: pick(random, ['synced', drawLoss(random)]),
    };
  },
  inflict({ forMs, isRestarted, comeback, lossAfterMs, loss, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    const armed = world.inject(machine, {
      operation: 'syncDirectory',
      code: 'EIO',
      path: `${DATABASE}/wal`,
      drops: true,
      onFailed: ({ path }) => {
        world.strikes(
          'droppedEntries',
          `${machine.id} fails to sync the directory ${path} and drops what is new there`,
        );
        world.marks.meet('entriesDropped');
        world.watch.promises.entriesDropped(machine.id);
        world.later(lossAfterMs, () => {
          machine.powerOff(crashOf(loss));
          world.tell(`${machine.id} loses power`);
          comeBack(machine, comeback, world);
        });
      },
    });
    if (isRestarted) killAndComeBack(machine, world);
    mayStopNode(armed, { machine, forMs, loss: undefined, comeback }, world);
  },
};
