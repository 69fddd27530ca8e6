import type { HostNetwork } from '../cluster/host-network.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { type Gap, PacedLoad } from './paced-load.ts';

/** What a fault may cost clients, with nothing else running on the machine. Milliseconds. */
export interface FailoverAim {
  readonly medianMs: number;
  /** 19 of 20 are not longer. */
  readonly p95Ms?: number;
  /** Longest call: nobody waits for the one that is gone. */
  readonly longestCallMs?: number;
}

/** Something that takes the primary role from a node, and what brings that node back. */
export interface Fault {
  readonly name: string;
  readonly aim: FailoverAim;
  /** Is under way when it returns. */
  inflict(cluster: LocalCluster, victim: string): Promise<void> | void;
  recover(cluster: LocalCluster, victim: string): Promise<void> | void;
}

export const KILL: Fault = {
  name: 'SIGKILL of the primary',
  aim: { medianMs: 100, p95Ms: 300 },
  inflict: (cluster, victim) => cluster.kill(victim),
  recover: (cluster, victim) => cluster.start(victim),
};

export const PAUSE: Fault = {
  name: 'SIGSTOP of the primary',
  aim: { medianMs: 600, longestCallMs: 600 },
  inflict: (cluster, victim) => cluster.pause(victim),
  recover: (cluster, victim) => cluster.resume(victim),
};

/** For a cluster whose nodes are the hosts of `network`. */
export function vanishFrom(network: HostNetwork): Fault {
  return {
    name: 'host of the primary vanishes',
    aim: { medianMs: 600, longestCallMs: 600 },
    inflict: (_cluster, victim) => network.vanish(victim),
    recover: (_cluster, victim) => network.reappear(victim),
  };
}

export const SWITCHOVER: Fault = {
  name: 'switchover',
  aim: { medianMs: 50 },
  inflict: (cluster, victim) => cluster.switchover(victim),
  recover: () => {},
};

export interface FailoverFigures {
  readonly fault: Fault;
  readonly gaps: readonly Gap[];
  readonly writes: number;
  readonly failed: number;
  readonly unknown: number;
  /** Of the first failures. */
  readonly words: readonly string[];
}

/**
 * Inflicts `fault` on the primary again and again, each time with writes in flight and every node level, while four
 * writers write at quorum. At the end all stores must hold the same.
 */
export async function measureFailovers(options: {
  readonly cluster: LocalCluster;
  readonly fault: Fault;
  readonly runs: number;
  readonly onGap?: (gap: Gap, run: number) => void;
}): Promise<FailoverFigures> {
  const { cluster, fault, runs } = options;
  const client = await cluster.client();
  const load = new PacedLoad(client);
  const gaps: Gap[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      await cluster.caughtUp();
      const victim = await cluster.primary();
      await load.inFullSwing();
      const gap = await load.gapOf(() => fault.inflict(cluster, victim));
      gaps.push(gap);
      options.onGap?.(gap, run);
      await fault.recover(cluster, victim);
    }
    await cluster.caughtUp();
  } finally {
    await load.stop();
  }
  await cluster.level();
  await client.close();
  const { 'not-applied': failed, unknown } = load.failures;
  return { fault, gaps, writes: load.acknowledged, failed, unknown, words: load.words };
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((left, right) => left - right);
}

/** Nearest rank: the smallest of `numbers` that `share` of them do not exceed. */
export function quantile(numbers: readonly number[], share: number): number {
  return sorted(numbers)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? Number.NaN;
}

interface FailoverTimes {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly longestCallMs: number;
  readonly issuePauseMs: number;
}

function timesOf({ gaps }: FailoverFigures): FailoverTimes {
  const gapsMs = gaps.map(({ gapMs }) => gapMs);
  return {
    medianMs: quantile(gapsMs, 0.5),
    p95Ms: quantile(gapsMs, 0.95),
    maxMs: Math.max(...gapsMs),
    longestCallMs: Math.max(...gaps.map(({ longestCallMs }) => longestCallMs)),
    issuePauseMs: Math.max(...gaps.map(({ issuePauseMs }) => issuePauseMs)),
  };
}

/** One sentence for each aim that was missed, and for calls that failed. */
export function failoverMisses(figures: FailoverFigures): string[] {
  const { fault, failed, unknown, words } = figures;
  const times = timesOf(figures);
  const misses = (['medianMs', 'p95Ms', 'longestCallMs'] as const).flatMap((name) => {
    const aim = fault.aim[name];
    // What is no number is no success.
    return aim === undefined || times[name] <= aim
      ? []
      : [`${name} is ${times[name].toFixed(1)}, the aim ${aim}`];
  });
  if (failed + unknown > 0)
    misses.push(`${failed} calls failed, ${unknown} are unknown: ${words.join('; ')}`);
  return misses.map((miss) => `${fault.name}: ${miss}`);
}

/** One line of a table: see `FAILOVER_TABLE_HEAD`. */
export function failoverRow(figures: FailoverFigures): string {
  const { fault, gaps, writes, failed, unknown } = figures;
  const { aim } = fault;
  const { medianMs, p95Ms, maxMs, longestCallMs, issuePauseMs } = timesOf(figures);
  const cells = [
    fault.name,
    gaps.length,
    medianMs.toFixed(0),
    aim.medianMs,
    p95Ms.toFixed(0),
    aim.p95Ms ?? '',
    maxMs.toFixed(0),
    longestCallMs.toFixed(0),
    aim.longestCallMs ?? '',
    issuePauseMs.toFixed(0),
    writes,
    failed,
    unknown,
  ];
  return `| ${cells.join(' | ')} |`;
}

export const FAILOVER_TABLE_HEAD =
  '| what happens | runs | median ms | aim | p95 ms | aim | max ms | longest call ms | aim | longest pause of the writers ms | writes | failed | unknown |\n' +
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |';
