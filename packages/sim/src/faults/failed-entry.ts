import { logUniform, pick } from '../run/draw.ts';
import { drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { type DiskFailure, failAt, mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss } from './loss.ts';
import { drawTarget } from './target.ts';

/**
 * What is done to an entry of a directory fails with EIO, once or from then on: a file is not opened, renamed or removed,
 * or the directory is not synced, and a loss of power may take back what was done to it before. The node stops (P10).
 */
export interface FailedEntry extends DiskFailure {
  readonly kind: 'failedEntry';
  readonly operation: 'open' | 'rename' | 'remove' | 'syncDirectory';
  readonly where: 'wal' | 'store' | 'database';
  /** It is started anew at that moment: a start renames and removes, and syncs every directory. */
  readonly isRestarted: boolean;
}

/** `database`: the list of lost writes, and the directory that holds it, the log and the stores. */
const PLACES: Readonly<Record<FailedEntry['where'], (path: string) => boolean>> = {
  wal: (path) => path.startsWith(`${DATABASE}/wal`),
  store: (path) => path.startsWith(`${DATABASE}/store`),
  database: (path) => path === DATABASE || path.startsWith(`${DATABASE}/divergence`),
};

export const failedEntry: FaultType<FailedEntry> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    return {
      kind: 'failedEntry',
      ...drawTarget(random, scene),
      operation: pick(random, ['open', 'rename', 'remove', 'syncDirectory', 'syncDirectory']),
      where: pick(random, ['wal', 'wal', 'store', 'store', 'database']),
      forGood: random.next() < 0.3,
      forMs: logUniform(random, 20, 2000),
      isRestarted: random.next() < 0.5,
      ...(random.next() < 0.7 ? { loss: drawLoss(random) } : {}),
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
        path: PLACES[where],
        onFailed: (path) => {
          world.strikes('failedEntry', `${machine.id} fails to ${WORDS[operation]} ${path}`);
          world.marks.meet(operation === 'syncDirectory' ? 'directorySyncFailed' : 'entryFailed');
        },
      },
      world,
    );
    if (armed === undefined) return;
    if (isRestarted) killAndComeBack(machine, world);
    mayStopNode(armed, { machine, forMs, loss, comeback }, world);
  },
};

const WORDS = {
  open: 'open',
  rename: 'rename',
  remove: 'remove',
  syncDirectory: 'sync the directory',
} as const;
