import type { SimMachine } from '../cluster/sim-machine.ts';
import type { ArmedFault, DiskOperationKind } from '../disk/disk-faults.ts';
import { type Comeback, comeBack } from './comeback.ts';
import type { FaultWorld } from './fault-world.ts';
import { endBy, type Loss } from './loss.ts';
import type { Target } from './target.ts';

/** Operations of a disk that fail, from some moment on. */
export interface DiskFailure extends Target {
  /** Once, or from then on. */
  readonly forGood: boolean;
  /** For so long it may come to it. */
  readonly forMs: number;
  readonly loss?: Loss;
  readonly comeback: Comeback;
}

/** From a failure to the end of the node, with room for a slow disk and a frozen process. */
const ENDS_MS_MAX = 5000;

/** For so long the armed failure may strike, and end the node; power may go with that. Then it comes back. */
export function mayStopNode(
  armed: ArmedFault,
  how: {
    readonly machine: SimMachine;
    readonly forMs: number;
    readonly loss: Loss | undefined;
    readonly comeback: Comeback;
  },
  world: FaultWorld,
): void {
  const { machine, forMs, loss, comeback } = how;
  const pardon = world.mayEnd(machine, () => {
    armed.clear();
    world.marks.meet('stoppedByDisk');
    endBy(machine, loss);
    comeBack(machine, comeback, world);
  });
  world.during(forMs, () => {
    armed.clear();
    world.cluster.clock.setTimer(ENDS_MS_MAX, pardon);
  });
}

/** All of its log has been read. A node that waits for room runs without, and reads it again at each try. */
export function hasReadLog({ node }: SimMachine): boolean {
  return node !== undefined && node.status().wal.segments > 0;
}

/**
 * Has operations of a disk fail with EIO, in its store or elsewhere. Undefined: they must not, in this store. For good is there
 * for one run of the node: somebody may kill it meanwhile, and what the next one met would be a second failure of what nobody
 * has read in between.
 */
export function failAt(
  machine: SimMachine,
  failing: {
    readonly operation: DiskOperationKind;
    readonly isInStore: boolean;
    readonly forGood: boolean;
    readonly path: (path: string) => boolean;
    readonly onFailed: (path: string) => void;
  },
  world: FaultWorld,
): ArmedFault | undefined {
  const { operation, isInStore, forGood, path, onFailed } = failing;
  if (isInStore && !mayFailInStore(machine, world)) return undefined;
  let run: number | undefined;
  return world.inject(machine, {
    operation,
    code: 'EIO',
    path: (name) => path(name) && (!isInStore || run === undefined || run === machine.runs),
    times: forGood ? Number.POSITIVE_INFINITY : 1,
    onFailed: (failed) => {
      run ??= machine.runs;
      onFailed(failed.path);
    },
  });
}

/** A store in which the disk fails twice before it is read may be given up by its node: that is damage, and bounded as such. */
function mayFailInStore(machine: SimMachine, { atlas, watch }: FaultWorld): boolean {
  const { promises } = watch;
  if (promises.mayHaveFailed(machine.id)) {
    if (!atlas.mayImpair(machine)) return false;
    atlas.impair(machine, { forGood: false });
    promises.storeDamaged(machine.id);
  }
  promises.storeMayFail(machine.id);
  return true;
}
