import type { Random } from '@holdfast/types';
import { FAULT_KINDS, FAULT_TYPES, type FaultKind } from '../faults/fault-types.ts';
import { between, logUniform, pick } from '../run/draw.ts';
import type { ClusterSetup } from './schedule.ts';

/** What kind of run it is, before anything in it is drawn. */
export interface Scenario {
  readonly cluster: ClusterSetup;
  readonly workMs: number;
  readonly clients: number;
  /** Calls that one client has under way at a time. */
  readonly callsAtOnce: number;
  /** Between the end of a call and the next one. */
  readonly thinkMsMax: number;
  /** Of the calls, those that come at once after the one before; the others come as much later, so that there are as many. */
  readonly burstShare: number;
  /** Of the writes, those at `local`. */
  readonly localShare: number;
  /** Of values, bytes beyond what makes them different. */
  readonly paddingBytesMax: number;
  /** How often a second, over the whole cluster; only the kinds that are switched on. */
  readonly faultsPerSecond: ReadonlyMap<FaultKind, number>;
}

/** Of the kinds of fault, those that a run has: few, so that they meet while nothing else is wrong, or many. */
const FAULT_SHARES = [0.1, 0.25, 0.45, 0.45];
/** Where they are few each comes more often. */
const FEW_TIMES_MAX = 3;
const SMALL_LIMIT_SHARE = 0.2;
/** Of limits beyond which lie paths that take more coincidences than that one. */
const SHARES: Readonly<Record<string, number>> = { sessionIdleMs: 0.5, asyncLagBytesMax: 0.35 };
/** Of runs that let go of their logs as soon as they can: who was away needs a snapshot. */
const SHORT_LOG_SHARE = 0.4;

/** Swarm testing (Groce and others, 2012): each run has some kinds of fault only, so that none hides another. */
export function drawScenario(random: Random): Scenario {
  const electionTimeoutMs = between(random, 100, 500);
  const isShortLog = random.next() < SHORT_LOG_SHARE;
  return {
    cluster: {
      nodes: pick(random, [1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
      latencyMs: { min: 0.1, max: logUniform(random, 0.2, 10) },
      clockDrift: pick(random, [0, 0.001, 0.02]),
      diskSlowness: pick(random, [1, 1, 1, 1, 15]),
      timing: {
        heartbeatMs: electionTimeoutMs / 8,
        electionTimeoutMs,
        persistStallMaxMs: electionTimeoutMs * pick(random, [1, 2, 10]),
      },
      limits: drawLimits(random),
      tuning: {
        checkpointBytes: Math.floor(
          isShortLog ? logUniform(random, 300, 3000) : logUniform(random, 2000, 100_000),
        ),
        checkpointMs: isShortLog ? logUniform(random, 20, 200) : logUniform(random, 200, 5000),
        ...(isShortLog ? { walRetainStepBytes: Math.floor(logUniform(random, 500, 20_000)) } : {}),
        walRetainBytes: isShortLog ? 0 : pick(random, [0, 0, 20_000, 1_000_000]),
        diskCheckMs: 200,
        reopenBytesMin: 65_536,
      },
      segmentBytes: isShortLog ? 16_384 : pick(random, [16_384, 65_536]),
      storeBufferBytes: Math.floor(logUniform(random, 500, 32_000)),
    },
    workMs: logUniform(random, 1500, 10_000),
    clients: Math.floor(between(random, 2, 6)),
    callsAtOnce: pick(random, [1, 2, 2, 4, 4, 12]),
    thinkMsMax: logUniform(random, 20, 400),
    localShare: pick(random, [0.1, 0.3, 0.8]),
    paddingBytesMax: pick(random, [0, 100, 1500, 5000]),
    burstShare: pick(random, [0, 0, 0.8]),
    faultsPerSecond: drawFaults(random),
  };
}

function drawLimits(random: Random): ClusterSetup['limits'] {
  const small: ClusterSetup['limits'] = {
    asyncLagMsMax: 100,
    asyncLagBytesMax: 1000,
    asyncWaitersMax: 2,
    sessionWindow: 16,
    sessionIdleMs: pick(random, [400, 1500]),
    sessionsMax: 6,
    entryRequestsMax: 2,
    peerWindowEntries: 2,
    logCacheBytesMax: 2000,
    admitQueueRequestsMax: 4,
    pendingReadsMax: 4,
    scansPerConnectionMax: 1,
    scanPageBytesMax: 1024,
  };
  return Object.fromEntries(
    Object.entries(small).filter(([name]) => random.next() < (SHARES[name] ?? SMALL_LIMIT_SHARE)),
  );
}

function drawFaults(random: Random): ReadonlyMap<FaultKind, number> {
  const rates = new Map<FaultKind, number>();
  const share = pick(random, FAULT_SHARES);
  const times = Math.min(FEW_TIMES_MAX, Math.max(...FAULT_SHARES) / share);
  for (const kind of FAULT_KINDS) {
    const [min, max] = FAULT_TYPES[kind].perSecond;
    const rate = logUniform(random, min, max);
    if (random.next() < share) rates.set(kind, rate * times);
  }
  return rates;
}
