import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const OF_EACH_KIND = isLong ? 10_000 : 400;
const CLIENTS = 8;
const KILLS = isLong ? 12 : 3;
const KEY = 'counter';
/** A read-modify-write may lose many races in a row to seven others. */
const TIMEOUT_MS = 60_000;

// G5, G6.
test(
  `${OF_EACH_KIND} increments and more, and as many updates of one key, by ${CLIENTS} clients over ${KILLS} kills are all counted`,
  async () => {
    const cluster = await startTestCluster();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => cluster.client()));
    let done = 0;
    let tries = 0;
    let isOver = false;
    const work = clients.map(async (client) => {
      // A kill that takes its time finds them at work as well.
      for (let number = 0; number < OF_EACH_KIND / CLIENTS || !isOver; number += 1) {
        await client.increment(KEY, 1, { timeoutMs: TIMEOUT_MS });
        const updated = await client.update(KEY, (value) => `${Number(value ?? 0) + 1}`, {
          timeoutMs: TIMEOUT_MS,
        });
        tries += updated.tries;
        done += 2;
      }
    });
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const calls = (2 * OF_EACH_KIND * kill) / (KILLS + 1);
      await Promise.race([Promise.all(work), waitUntil(`${calls} calls`, () => done >= calls, 120_000)]);
      await cluster.caughtUp();
      const victim = await cluster.primary();
      await cluster.kill(victim);
      await cluster.start(victim);
    }
    isOver = true;
    await Promise.all(work);
    console.log(`${done} calls over ${KILLS} kills; ${((2 * tries) / done).toFixed(1)} tries an update`);
    expect(done).toBeGreaterThanOrEqual(2 * OF_EACH_KIND);
    expect(await clients[0]!.get(KEY)).toBe(`${done}`);
    await cluster.level();
  },
  isLong ? 600_000 : 180_000,
);
