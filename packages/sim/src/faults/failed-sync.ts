import { logUniform, pick } from '../run/draw.ts';
import { drawComeback } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { type DiskFailure, failAt, mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss } from './loss.ts';
import { drawTarget } from './target.ts';

/**
 * An fsync fails, once or from then on, and what it was to cover is clean as far as the system knows. The node has to
 * stop (P10); then power may go, which shows what is really there.
 */
export interface FailedSync extends DiskFailure {
  readonly kind: 'failedSync';
  readonly where: 'wal' | 'store';
}

export const failedSync: FaultType<FailedSync> = {
  perSecond: [0.05, 0.7],
  draw(random, scene) {
    return {
      kind: 'failedSync',
      ...drawTarget(random, scene),
      where: pick(random, ['wal', 'wal', 'store']),
      forGood: random.next() < 0.3,
      forMs: logUniform(random, 20, 1000),
      ...(random.next() < 0.7 ? { loss: drawLoss(random) } : {}),
      comeback: drawComeback(random),
    };
  },
  inflict({ where, forGood, forMs, loss, comeback, ...target }, world) {
    const machine = world.find(target);
    if (machine?.isUp !== true) return;
    const armed = failAt(
      machine,
      {
        operation: 'sync',
        isInStore: where === 'store',
        forGood,
        path: (path) => path.startsWith(`${DATABASE}/${where}`),
        onFailed: (path) => {
          world.strikes('failedSync', `${machine.id} fails to sync ${path}`);
          world.marks.meet('syncFailed');
          if (where === 'store') world.watch.promises.storeDamaged(machine.id);
          if (where === 'wal' && machine.boot !== undefined) world.watch.syncs.failed(machine.boot);
        },
      },
      world,
    );
    if (armed === undefined) return;
    mayStopNode(armed, { machine, forMs, loss, comeback }, world);
  },
};
