import { between } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/** Somebody sets the wall clock of a machine. */
export interface WallClock extends Target {
  readonly kind: 'wallClock';
  readonly offsetMs: number;
}

/** Half a day: as if somebody had taken one time zone for another. */
const OFFSET_MS_MAX = 12 * 3_600_000;

export const wallClock: FaultType<WallClock> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    return {
      kind: 'wallClock',
      ...drawTarget(random, scene),
      offsetMs: between(random, -OFFSET_MS_MAX, OFFSET_MS_MAX),
    };
  },
  inflict({ offsetMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    machine.wallOffsetMs = offsetMs;
    world.marks.meet('wallClockSet');
    world.strikes('wallClock', `${machine.id} has its wall clock set`);
  },
};
