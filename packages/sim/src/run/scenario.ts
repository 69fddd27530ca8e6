import type { NodeConfig } from '@holdfast/server';
import type { Random } from '@holdfast/types';
import { between, logUniform, pick } from './draw.ts';

/** Faults of one kind: how often a second, over the whole cluster. */
export const FAULT_KINDS = [
  'stall',
  'break',
  'partition',
  'isolatePrimary',
  'oneWay',
  'kill',
  'powerOff',
  'allDown',
  'freeze',
  'slowDisk',
  'fullDisk',
  'wallClock',
  'switchover',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What one seed runs. */
export interface Scenario {
  readonly nodes: number;
  readonly clients: number;
  /** Calls that one client has under way at a time. */
  readonly callsAtOnce: number;
  /** Between the end of a call and the next one. */
  readonly thinkMsMax: number;
  /** Of the writes, those at `local`. */
  readonly localShare: number;
  /** Milliseconds of work under faults. */
  readonly faultsMs: number;
  /** Only the kinds that are switched on. */
  readonly faultsPerSecond: ReadonlyMap<FaultKind, number>;
  readonly latencyMs: { readonly min: number; readonly max: number };
  readonly clockDrift: number;
  readonly timing: { readonly heartbeatMs: number; readonly electionTimeoutMs: number };
  /** Small ones now and then, so that what lies beyond them is met. */
  readonly limits: Partial<NodeConfig['limits']>;
  /** Of values, bytes beyond what makes them different. */
  readonly paddingBytesMax: number;
  readonly tuning: {
    readonly checkpointBytes: number;
    readonly checkpointMs: number;
    readonly walRetainBytes: number;
    readonly diskCheckMs: number;
    readonly reopenBytesMin: number;
  };
  readonly storeBufferBytes: number;
  /** Of the write-ahead log: smaller than a configuration may say, so that runs cross many. */
  readonly segmentBytes: number;
}

const RATE_PER_SECOND: Readonly<Record<FaultKind, readonly [min: number, max: number]>> = {
  stall: [1, 40],
  break: [0.2, 5],
  partition: [0.1, 1.5],
  isolatePrimary: [0.1, 1],
  oneWay: [0.1, 1.5],
  kill: [0.1, 2],
  powerOff: [0.1, 2],
  allDown: [0.05, 0.3],
  freeze: [0.1, 2],
  slowDisk: [0.1, 1],
  fullDisk: [0.05, 0.5],
  wallClock: [0.1, 2],
  switchover: [0.1, 1],
};
const FAULT_SHARE = 0.45;
const SMALL_LIMIT_SHARE = 0.2;

/** Swarm testing (Groce and others, 2012): each run has some kinds of fault only, so that none hides another. */
export function drawScenario(random: Random): Scenario {
  const electionTimeoutMs = between(random, 100, 500);
  return {
    nodes: pick(random, [1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    clients: Math.floor(between(random, 2, 6)),
    callsAtOnce: pick(random, [1, 2, 4]),
    thinkMsMax: logUniform(random, 20, 400),
    localShare: pick(random, [0.1, 0.3, 0.8]),
    faultsMs: between(random, 3000, 10_000),
    faultsPerSecond: drawFaults(random),
    latencyMs: { min: 0.1, max: logUniform(random, 0.2, 10) },
    clockDrift: pick(random, [0, 0.001, 0.02]),
    timing: { heartbeatMs: electionTimeoutMs / 8, electionTimeoutMs },
    limits: drawLimits(random),
    paddingBytesMax: pick(random, [0, 0, 100, 5000]),
    tuning: {
      checkpointBytes: Math.floor(logUniform(random, 2000, 100_000)),
      checkpointMs: logUniform(random, 200, 5000),
      walRetainBytes: pick(random, [0, 0, 20_000, 1_000_000]),
      diskCheckMs: 200,
      reopenBytesMin: 65_536,
    },
    segmentBytes: pick(random, [16_384, 65_536]),
    storeBufferBytes: Math.floor(logUniform(random, 500, 32_000)),
  };
}

/** For people. */
export function describeScenario(scenario: Scenario): string {
  const faults = [...scenario.faultsPerSecond].map(([kind, rate]) => `${kind} ${rate.toFixed(2)}/s`);
  return (
    `${scenario.nodes} nodes, ${scenario.clients} clients with ${scenario.callsAtOnce} calls each, ` +
    `${(scenario.faultsMs / 1000).toFixed(1)} s of ${faults.join(', ') || 'no faults'}`
  );
}

function drawLimits(random: Random): Partial<NodeConfig['limits']> {
  const small: Partial<NodeConfig['limits']> = {
    asyncLagMsMax: 100,
    asyncLagBytesMax: 1000,
    asyncWaitersMax: 2,
    sessionWindow: 16,
    sessionIdleMs: 1500,
    sessionsMax: 6,
    entryRequestsMax: 2,
    peerWindowEntries: 2,
    logCacheBytesMax: 2000,
    admitQueueRequestsMax: 4,
    pendingReadsMax: 4,
    scansPerConnectionMax: 1,
    scanPageBytesMax: 1024,
  };
  return Object.fromEntries(Object.entries(small).filter(() => random.next() < SMALL_LIMIT_SHARE));
}

function drawFaults(random: Random): ReadonlyMap<FaultKind, number> {
  const rates = new Map<FaultKind, number>();
  for (const kind of FAULT_KINDS) {
    const [min, max] = RATE_PER_SECOND[kind];
    const rate = logUniform(random, min, max);
    if (random.next() < FAULT_SHARE) rates.set(kind, rate);
  }
  return rates;
}
