import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { expectSound } from '../support/load/expect-sound.ts';
import { LedgerLoad } from '../support/load/ledger-load.ts';

const ROUNDS = process.env.HOLDFAST_LONG === '1' ? 20 : 3;
const WRITES_BEFORE_KILL = 1000;

// G1, G5.
test(`all nodes killed at once under load, ${ROUNDS} times: nothing acknowledged is missing`, async () => {
  const cluster = await startTestCluster();
  // Long enough for a restart: calls that were under way are then answered, too.
  const client = await cluster.client({ timeoutMs: 30_000 });
  const load = new LedgerLoad({ client });
  for (let round = 1; round <= ROUNDS; round++) {
    await load.reached(load.acknowledged + WRITES_BEFORE_KILL, 60_000);
    expect(load.inFlight).toBeGreaterThan(0);
    const { term } = await cluster.status(await cluster.primary());
    await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
    await cluster.startAll();
    expect((await cluster.status(await cluster.primary())).term).toBeGreaterThan(term);
  }
  await load.reached(load.acknowledged + WRITES_BEFORE_KILL, 60_000);
  await load.stop();
  await cluster.level();
  const { unknown } = load.outcomes;
  console.log(`${load.acknowledged} acknowledged, ${unknown} unknown over ${ROUNDS} ends of everything`);
  await expectSound(load);
});
