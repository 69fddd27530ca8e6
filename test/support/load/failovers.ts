import type { HostNetwork } from '../cluster/host-network.ts';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { type Gap, PacedLoad } from './paced-load.ts';

/** Something that takes the primary role from a node, and what brings that node back. */
export interface Fault {
  readonly name: string;
  /** Is under way when it returns. */
  inflict(cluster: LocalCluster, victim: string): Promise<void> | void;
  recover(cluster: LocalCluster, victim: string): Promise<void> | void;
}

export const KILL: Fault = {
  name: 'SIGKILL of the primary',
  inflict: (cluster, victim) => cluster.kill(victim),
  recover: (cluster, victim) => cluster.start(victim),
};

export const PAUSE: Fault = {
  name: 'SIGSTOP of the primary',
  inflict: (cluster, victim) => cluster.pause(victim),
  recover: (cluster, victim) => cluster.resume(victim),
};

/** For a cluster whose nodes are the hosts of `network`. */
export function vanishFrom(network: HostNetwork): Fault {
  return {
    name: 'host of the primary vanishes',
    inflict: (_cluster, victim) => network.vanish(victim),
    recover: (_cluster, victim) => network.reappear(victim),
  };
}

export const SWITCHOVER: Fault = {
  name: 'switchover',
  inflict: (cluster, victim) => cluster.switchover(victim),
  recover: () => {},
};

export interface FailoverFigures {
  readonly fault: string;
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
  return { fault: fault.name, gaps, writes: load.acknowledged, failed, unknown, words: load.words };
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((left, right) => left - right);
}

/** Nearest rank: the smallest of `numbers` that `share` of them do not exceed. */
export function quantile(numbers: readonly number[], share: number): number {
  return sorted(numbers)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? Number.NaN;
}

/** One line of a table: see `FAILOVER_TABLE_HEAD`. */
export function failoverRow({ fault, gaps, writes, failed, unknown }: FailoverFigures): string {
  const gapsMs = gaps.map(({ gapMs }) => gapMs);
  const longest = Math.max(...gaps.map(({ longestCallMs }) => longestCallMs));
  const figures = [quantile(gapsMs, 0.5), quantile(gapsMs, 0.95), Math.max(...gapsMs), longest];
  const cells = [fault, gaps.length, ...figures.map((ms) => ms.toFixed(0)), writes, failed, unknown];
  return `| ${cells.join(' | ')} |`;
}

export const FAILOVER_TABLE_HEAD =
  '| what happens | runs | median ms | p95 ms | max ms | longest call ms | writes | failed | unknown |\n' +
  '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |';
