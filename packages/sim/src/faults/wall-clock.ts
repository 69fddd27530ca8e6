import { between } from '../run/draw.ts';
import type { FaultType } from './fault-type.ts';
import { drawTarget, type Target } from './target.ts';

/** Somebody sets the wall clock of a machine. */
export interface WallClock extends Target {
  readonly kind: 'wallClock';
  readonly offsetMs: number;
}

const HOUR_MS = 3_600_000;

export const wallClock: FaultType<WallClock> = {
  perSecond: [0.1, 2],
  draw(random, scene) {
    return { kind: 'wallClock', ...drawTarget(random, scene), offsetMs: between(random, -HOUR_MS, HOUR_MS) };
  },
  inflict({ offsetMs, ...target }, world) {
    const machine = world.find(target);
    if (machine === undefined) return;
    machine.wallOffsetMs = offsetMs;
    world.marks.meet('wallClockSet');
    world.strikes('wallClock', `${machine.id} has its wall clock set`);
  },
};
