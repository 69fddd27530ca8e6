import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { Contenders } from '../support/locks/contenders.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const PROCESSES = 20;
const ROUNDS = isLong ? 60 : 2;
/** To start twenty processes takes its time where others work, too. */
const TIMEOUT_MS = isLong ? 1_200_000 : 120_000;
const TTL_MS = 1000;

test(
  `${PROCESSES} processes fight over one lock while holders and primaries die or stand still: no writes interleave`,
  async () => {
    const cluster = await startTestCluster();
    const contenders = await Contenders.start(cluster.urls.join(','), { count: PROCESSES, ttlMs: TTL_MS });
    const { resource } = contenders;
    const moves = (): Promise<unknown> => {
      const before = resource.holders;
      return waitUntil('others to write', () => resource.holders > before + 3);
    };
    const writer = () => waitUntil('a holder', () => contenders.writer);
    for (let round = 0; round < ROUNDS; round += 1) {
      await moves();
      const killed = await writer();
      killed.kill('SIGKILL');
      const stopped = await waitUntil('another holder', async () => {
        const next = await writer();
        return next !== killed && next;
      });
      stopped.kill('SIGSTOP');
      await moves();
      const primary = await cluster.primary();
      await cluster.kill(primary);
      stopped.kill('SIGCONT');
      await contenders.add();
      await moves();
      await cluster.start(primary);
      await cluster.caughtUp();
      const frozen = await cluster.primary();
      cluster.pause(frozen);
      await moves();
      cluster.resume(frozen);
      await moves();
    }
    await moves();
    await contenders.stop();
    const { accepted, refused, interleaved, holders } = resource;
    console.log(
      `${holders} holdings by ${contenders.writers.size} processes: ${accepted.length} writes, ${refused} late`,
    );
    expect(interleaved).toEqual([]);
    expect(contenders.broken).toBe(0);
    expect(contenders.writers.size).toBeGreaterThan(PROCESSES / 2);
  },
  TIMEOUT_MS,
);
