import type { Random } from '@holdfast/types';
import { between, logUniform, pick } from '../run/draw.ts';
import type { Scenario } from './scenario.ts';
import type { PlannedWatch } from './schedule.ts';

/** All keys, the registers, one of them, the pairs and the counters. */
const RANGES: readonly Pick<PlannedWatch, 'gte' | 'lt'>[] = [
  {},
  { gte: 'k' },
  { gte: 'k', lt: 'l' },
  { gte: 'k1', lt: 'k2' },
  { gte: 'p' },
  { lt: 'k' },
];

/** What one client watches: nothing, or a range or two. */
export function drawWatches(random: Random, { workMs }: Scenario): PlannedWatch[] {
  const count = pick(random, [0, 1, 1, 2]);
  return Array.from({ length: count }, (): PlannedWatch => {
    const watch = {
      atMs: Math.round(between(random, 0, workMs / 2)),
      begins: pick(random, ['state', 'state', 'floor', 'now'] as const),
      ...pick(random, RANGES),
    };
    return {
      ...watch,
      ...(random.next() < 0.3 ? { pauseMs: Math.round(logUniform(random, 1, 300)) } : {}),
      ...(random.next() < 0.3 ? { eventsMax: Math.ceil(between(random, 1, 20)) } : {}),
      ...(random.next() < 0.3 ? { previousValue: true } : {}),
    };
  });
}
