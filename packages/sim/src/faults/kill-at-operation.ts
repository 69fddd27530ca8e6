import type { SimMachine } from '../cluster/sim-machine.ts';
import type { MarkName } from '../coverage/mark-list.ts';
import type { DiskOperation } from '../disk/disk-faults.ts';
import { logUniform, pick } from '../run/draw.ts';
import { type Comeback, comeBack, drawComeback, killAndComeBack } from './comeback.ts';
import { DATABASE } from './data-paths.ts';
import type { FaultType } from './fault-type.ts';
import { drawLoss, endBy, type Loss } from './loss.ts';
import { drawTarget, type Target } from './target.ts';

/** A node ends at one operation of its disk, which does not take place: the machine loses power if there is a loss. */
export interface KillAtOperation extends Target {
  readonly kind: 'killAtOperation';
  /** What it must have begun. */
  readonly moment: Moment;
  /** Operations from there on that still take place. */
  readonly after: number;
  readonly loss?: Loss;
  readonly comeback: Comeback;
}

type Moment = 'start' | 'log' | 'checkpoint' | 'cut' | 'snapshot' | 'install' | 'filing';

interface MomentType {
  readonly afterMax: number;
  readonly begins: (operation: DiskOperation, machine: SimMachine) => boolean;
  readonly mark: MarkName;
}

const MOMENTS: Readonly<Record<Moment, MomentType>> = {
  start: {
    afterMax: 200,
    begins: (_operation, { node }) => node === undefined,
    mark: 'diedStarting',
  },
  log: {
    afterMax: 4,
    begins: ({ kind, path }, { node }) => node !== undefined && kind === 'write' && path.endsWith('.wal'),
    mark: 'diedWithUnsynced',
  },
  checkpoint: {
    afterMax: 20,
    begins: ({ kind, path }, { node }) => node !== undefined && kind === 'sync' && STORE.test(path),
    mark: 'diedCheckpointing',
  },
  cut: {
    afterMax: 4,
    begins: ({ kind, path }, { node }) => node !== undefined && kind === 'remove' && path.endsWith('.wal'),
    mark: 'diedCuttingLog',
  },
  snapshot: {
    afterMax: 100,
    begins: ({ kind, path }, { node }) =>
      node !== undefined && kind === 'makeDirectory' && RECEIVED.test(path),
    mark: 'diedTakingSnapshot',
  },
  install: {
    afterMax: 25,
    begins: ({ kind, path }, { node, disk }) =>
      node !== undefined &&
      kind === 'syncDirectory' &&
      path === DATABASE &&
      disk.directories(DATABASE).some((directory) => RECEIVED.test(directory)),
    mark: 'diedBeforeSwap',
  },
  filing: {
    afterMax: 4,
    begins: ({ kind, path }, { node }) =>
      node !== undefined && kind === 'write' && path.endsWith('/divergence.log'),
    mark: 'diedFiling',
  },
};

/** Of any store, and of one that was received. */
const STORE = /\/store(-\d+)?\//;
const RECEIVED = /\/store-\d+$/;

const WAITS_MS_MAX = 6000;
const LOSS_SHARE = 0.7;

export const killAtOperation: FaultType<KillAtOperation> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    const moment = pick(random, Object.keys(MOMENTS) as Moment[]);
    const after = Math.floor(logUniform(random, 1, MOMENTS[moment].afterMax + 1)) - 1;
    const loss = random.next() < LOSS_SHARE ? { loss: drawLoss(random) } : {};
    const comeback = drawComeback(random);
    return { kind: 'killAtOperation', ...drawTarget(random, scene), moment, after, ...loss, comeback };
  },
  inflict({ moment, after, loss, comeback, ...target }, world) {
    const victim = world.find(target);
    if (victim === undefined) return;
    if (moment === 'start' && victim.isUp) killAndComeBack(victim, world);
    const { begins, mark } = MOMENTS[moment];
    // Whoever comes to it first, but for a start.
    const watched = moment === 'start' ? [victim] : world.cluster.machines;
    let left: number | undefined;
    let chosen: SimMachine | undefined;
    const unwatch: (() => void)[] = watched.map((machine) =>
      world.watchDisk(machine, (operation) => {
        if (!machine.isUp) return;
        if (chosen === undefined && begins(operation, machine)) {
          chosen = machine;
          left = after;
        }
        if (chosen !== machine || left === undefined || left-- > 0) return;
        for (const stop of unwatch) stop();
        const isStarted = machine.node !== undefined;
        endBy(machine, loss);
        if (isStarted === (moment !== 'start')) world.marks.meet(mark);
        world.strikes('killAtOperation', `${machine.id} ends at ${operation.kind} ${operation.path}`);
        comeBack(machine, comeback, world);
      }),
    );
    world.during(WAITS_MS_MAX, () => {
      for (const stop of unwatch) stop();
    });
  },
};
