import { logUniform, pick } from '../run/draw.ts';
import { drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { type DiskFailure, failAt, hasReadLog, mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss } from './loss.ts';
import { drawTarget } from './target.ts';

/** Writes, or reads, fail with EIO, once or from then on. A node that cannot do without stops, and says why. */
export interface FailedOperation extends DiskFailure {
  readonly kind: 'failedOperation';
  readonly operation: 'read' | 'write';
  readonly where: 'wal' | 'store' | 'divergence';
  /** It is started anew at that moment: most of what a node reads it reads then. */
  readonly isRestarted: boolean;
}

export const failedOperation: FaultType<FailedOperation> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    return {
      kind: 'failedOperation',
      ...drawTarget(random, scene),
      operation: pick(random, ['read', 'write']),
      where: pick(random, ['wal', 'wal', 'store', 'store', 'divergence']),
      forGood: random.next() < 0.3,
      forMs: logUniform(random, 20, 2000),
      isRestarted: random.next() < 0.5,
      ...(random.next() < 0.5 ? { loss: drawLoss(random) } : {}),
      comeback: drawComeback(random),
    };
  },
  inflict({ operation, where, forGood, forMs, isRestarted, loss, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    const armed = failAt(
      machine,
      {
        operation,
        isInStore: where === 'store',
        forGood,
        // Of a log that is read anew see `UnreadableLog`: if the disk reads again halfway, that leaves a hole.
        path: (path) =>
          path.startsWith(`${DATABASE}/${where}`) &&
          (operation === 'write' || where !== 'wal' || hasReadLog(machine)),
        onFailed: (path) => {
          world.strikes('failedOperation', `${machine.id} fails to ${operation} ${path}`);
          world.marks.meet(operation === 'read' ? 'readFailed' : 'writeFailed');
        },
      },
      world,
    );
    if (armed === undefined) return;
    if (isRestarted) killAndComeBack(machine, world);
    mayStopNode(armed, { machine, forMs, loss, comeback }, world);
  },
};
