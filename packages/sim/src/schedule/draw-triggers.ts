import type { Random } from '@holdfast/types';
import { MARK_NAMES } from '../coverage/mark-list.ts';
import { STEP_EVENTS, type TriggerEvent } from '../faults/trigger.ts';
import { logUniform, pick } from '../run/draw.ts';
import type { PlannedFault } from './schedule.ts';

/** Of the runs, those in which faults wait for events. */
const RUN_SHARE = 0.6;
/** Of the faults of such a run, those that do. */
const FAULT_SHARES = [0.2, 0.5, 0.9];
/** Of those, the ones that strike where it happened. */
const THERE_SHARE = 0.6;
const EVENTS_MAX = 3;

/**
 * Faults at drawn times seldom meet a step that takes a millisecond. So in some runs a part of them waits for an event,
 * a few of which the run has, and strikes then.
 */
export function triggerDrawer(random: Random): (fault: PlannedFault) => PlannedFault {
  if (random.next() >= RUN_SHARE) return (fault) => fault;
  const events = Array.from({ length: 1 + Math.floor(random.next() * EVENTS_MAX) }, () => drawEvent(random));
  const share = pick(random, FAULT_SHARES);
  return (fault) => {
    if (random.next() >= share) return fault;
    const delayMs = random.next() < 0.5 ? 0 : logUniform(random, 0.05, 20);
    const there = 'node' in fault && random.next() < THERE_SHARE ? { isThere: true as const } : {};
    return { ...fault, upon: { event: pick(random, events), delayMs }, ...there };
  };
}

function drawEvent(random: Random): TriggerEvent {
  return random.next() < 0.7 ? pick(random, STEP_EVENTS) : pick(random, MARK_NAMES);
}
