import type { Random } from '@holdfast/types';
import { logUniform, pick } from '../run/draw.ts';
import { LEASED_KEYS } from '../workload/keys.ts';
import type { Scenario } from './scenario.ts';
import type { PlannedLease, PlannedLeaseStep } from './schedule.ts';

const STEP_KINDS = ['put', 'put', 'put', 'put', 'del', 'detach', 'write', 'write', 'remove'] as const;

/** The leases that one client keeps: as many as it would have time for, did nothing take any. */
export function drawLeases(random: Random, { workMs }: Scenario): PlannedLease[] {
  const leases: PlannedLease[] = [];
  for (let atMs = 0; ; ) {
    const thinkMs = logUniform(random, 5, 500);
    const lease: PlannedLease = {
      thinkMs,
      ttlMs: logUniform(random, 100, 3000),
      keepMs: logUniform(random, 20, 3000),
      steps: Array.from({ length: pick(random, [1, 2, 4, 8]) }, (_, place) => drawStep(random, place === 0)),
    };
    atMs += thinkMs + lease.keepMs;
    if (atMs > workMs) return leases;
    leases.push(lease);
  }
}

function drawStep(random: Random, isFirst: boolean): PlannedLeaseStep {
  const kind = pick(random, STEP_KINDS);
  return { kind: isFirst ? 'put' : kind, key: pick(random, LEASED_KEYS) };
}
