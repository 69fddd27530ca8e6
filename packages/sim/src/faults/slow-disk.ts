import { logUniform, pick } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

export interface SlowDisk extends Target {
  readonly kind: 'slowDisk';
  readonly times: number;
  readonly forMs: number;
  /** Absent: all of it is. */
  readonly files?: SlowFiles;
}

/**
 * What others keep waiting while the rest of the disk goes on: the write-ahead log, a store, or what the one thread does
 * with which LevelDB makes and merges tables behind its writers.
 */
type SlowFiles = 'log' | 'store' | 'tables';

const FILES: Readonly<Record<SlowFiles, RegExp>> = {
  log: /\.wal$/,
  store: /\/store(-\d+)?\//,
  tables: /\/store(-\d+)?\/(\d+\.ldb|MANIFEST-\d+)$/,
};

const SOME_FILES_SHARE = 0.5;

export const slowDisk: FaultType<SlowDisk> = {
  perSecond: [0.1, 1],
  draw(random, scene) {
    const target = drawTarget(random, scene);
    const times = logUniform(random, 5, 1000);
    const forMs = logUniform(random, 100, 4000);
    const isPart = random.next() < SOME_FILES_SHARE;
    const files = pick(random, Object.keys(FILES) as SlowFiles[]);
    return { kind: 'slowDisk', ...target, times, forMs, ...(isPart ? { files } : {}) };
  },
  inflict({ times, forMs, files, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    const timing = world.cluster.diskTimings.get(machine.id)!;
    if (files === undefined) timing.slowDown(times);
    else timing.slowDown(times, (path) => FILES[files].test(path));
    world.strikes(
      'slowDisk',
      `${machine.id} has a disk ${times.toFixed(0)} times slower${files === undefined ? '' : ` for its ${files}`}`,
    );
    world.during(forMs, () => {
      timing.recover();
      world.tell(`${machine.id} has its disk back`);
    });
  },
};
