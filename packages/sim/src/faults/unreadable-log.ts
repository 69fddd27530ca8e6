import { logUniform } from '../run/draw.ts';
import { type Comeback, drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { hasReadLog, mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss, type Loss } from './loss.ts';
import { drawTarget, type Target } from './target.ts';

/**
 * A node is started anew, and from some moment of that start on its disk fails to read the log, once or all of what is
 * left of it. What cannot be read may be read the next time: the start fails, or gets over it, and takes nothing for lost.
 */
export interface UnreadableLog extends Target {
  readonly kind: 'unreadableLog';
  /** Reads from the start on that still succeed. */
  readonly after: number;
  readonly forGood: boolean;
  readonly loss?: Loss;
  readonly comeback: Comeback;
}

const READS_MAX = 12;
/** For so long the start may wait for somebody. */
const FOR_MS = 1000;

export const unreadableLog: FaultType<UnreadableLog> = {
  perSecond: [0.05, 0.7],
  draw(random, scene) {
    return {
      kind: 'unreadableLog',
      ...drawTarget(random, scene),
      after: Math.floor(logUniform(random, 1, READS_MAX)) - 1,
      forGood: random.next() < 0.7,
      ...(random.next() < 0.5 ? { loss: drawLoss(random) } : {}),
      comeback: drawComeback(random),
    };
  },
  inflict({ after, forGood, loss, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    const run = machine.runs + 1;
    let hasStruck = false;
    world.inject(machine, {
      operation: 'read',
      code: 'EIO',
      // To the end of that start: a disk that reads the log again halfway leaves a hole, which is damage.
      path: (path) =>
        path.startsWith(`${DATABASE}/wal`) && machine.boot?.number === run && !hasReadLog(machine),
      after,
      times: forGood ? Number.POSITIVE_INFINITY : 1,
      onFailed: ({ path }) => {
        if (hasStruck) return;
        hasStruck = true;
        world.strikes('unreadableLog', `${machine.id} fails to read ${path} while it starts`);
        world.marks.meet('logUnreadable');
      },
    });
    killAndComeBack(machine, world);
    mayStopNode({ clear() {} }, { machine, forMs: FOR_MS, loss, comeback }, world);
  },
};
