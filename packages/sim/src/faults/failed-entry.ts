import { logUniform, pick } from '../run/draw.ts';
import { type Comeback, comeBack, drawComeback } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import { mayFailInStore, mayStopNode } from './failing-disk.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss, type Loss } from './loss.ts';
import { drawTarget, type Target } from './target.ts';

/**
 * What is done to an entry of a directory fails with EIO, once or from then on: a file is not opened, renamed or removed,
 * or the directory is not synced, and a loss of power may take back what was done to it before. The node stops (P10).
 */
export interface FailedEntry extends Target {
  readonly kind: 'failedEntry';
  readonly operation: 'open' | 'rename' | 'remove' | 'syncDirectory';
  readonly where: 'wal' | 'store' | 'database';
  readonly forGood: boolean;
  /** For so long it may come to it. */
  readonly forMs: number;
  /** It is started anew at that moment: a start renames and removes, and syncs every directory. */
  readonly isRestarted: boolean;
  readonly loss?: Loss;
  readonly comeback: Comeback;
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
    if (where === 'store' && !mayFailInStore(machine, world)) return;
    const armed = world.inject(machine, {
      operation,
      code: 'EIO',
      path: PLACES[where],
      times: forGood ? Number.POSITIVE_INFINITY : 1,
      onFailed: ({ path }) => {
        world.strikes('failedEntry', `${machine.id} fails to ${WORDS[operation]} ${path}`);
        world.marks.meet(operation === 'syncDirectory' ? 'directorySyncFailed' : 'entryFailed');
      },
    });
    if (isRestarted) {
      machine.kill();
      world.tell(`${machine.id} is killed`);
      comeBack(machine, { awayMs: 1 }, world);
    }
    mayStopNode(armed, { machine, forMs, loss, comeback }, world);
  },
};

const WORDS = {
  open: 'open',
  rename: 'rename',
  remove: 'remove',
  syncDirectory: 'sync the directory',
} as const;
