import { expect, test } from 'vitest';
import type { LocalCluster } from '../support/cluster/local-cluster.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { expectSound } from '../support/load/expect-sound.ts';
import { LedgerLoad } from '../support/load/ledger-load.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const WRITES = isLong ? 100_000 : 5000;
const KILLS = isLong ? 30 : 4;

/** Shorter than an election timeout: nobody else stands meanwhile. */
const ALONE_MS = 100;

/** For a while the primary's log takes what no other node has: whatever of that it acknowledges is lost with it. */
async function logInVain(cluster: LocalCluster, primary: string): Promise<void> {
  await cluster.order(primary, { peers: 'silent' });
  const { uptimeMs } = await cluster.status(primary);
  await cluster.until(primary, 'to be alone', (status) => status.uptimeMs > uptimeMs + ALONE_MS);
}

// G1, G5, G6.
test(`${WRITES} quorum writes over ${KILLS} kills of the primary: each acknowledged one is there once`, async () => {
  const cluster = await startTestCluster();
  const client = await cluster.client();
  const load = new LedgerLoad({ client });
  for (let kill = 1; kill <= KILLS; kill++) {
    await load.reached((WRITES * kill) / (KILLS + 1), 60_000);
    await cluster.caughtUp();
    const victim = await cluster.primary();
    if (kill % 2 === 0) await logInVain(cluster, victim);
    expect(load.inFlight).toBeGreaterThan(0);
    await cluster.kill(victim);
    await cluster.start(victim);
  }
  await load.reached(WRITES, 60_000);
  await load.stop();
  const { keys } = await cluster.level();
  console.log(`${load.acknowledged} acknowledged over ${KILLS} kills; ${keys} keys, equal on every node`);
  expect(load.words).toEqual([]);
  await expectSound(load);
});
