import type { Random } from '@holdfast/types';
import { logUniform, pick } from '../run/draw.ts';
import { LOCKS } from '../workload/keys.ts';
import type { Scenario } from './scenario.ts';
import type { PlannedHolding } from './schedule.ts';

/** The locks that one client takes: as many as it would have time for, had nobody else any. */
export function drawHoldings(random: Random, { workMs }: Scenario): PlannedHolding[] {
  const holdings: PlannedHolding[] = [];
  for (let atMs = 0; ; ) {
    const thinkMs = logUniform(random, 5, 500);
    const holding: PlannedHolding = {
      thinkMs,
      lock: pick(random, LOCKS),
      ttlMs: logUniform(random, 100, 3000),
      waitMs: logUniform(random, 100, 5000),
      ...(random.next() < 0.2 ? { isOnce: true } : {}),
      holdMs: logUniform(random, 5, 1500),
      writes: pick(random, [0, 1, 2, 4]),
    };
    atMs += thinkMs + holding.holdMs;
    if (atMs > workMs) return holdings;
    holdings.push(holding);
  }
}
