import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';

const WRITES = 50;

// G9, G10.
test('what one process has written, another reads from a standby with its token, over a failover too', async () => {
  const cluster = await startTestCluster();
  const [writer, reader] = [await cluster.client(), await cluster.client()];
  const servedBy = new Set<string>();
  for (let number = 0; number < WRITES; number += 1) {
    if (number === WRITES / 2) {
      const victim = await cluster.primary();
      await cluster.kill(victim);
      await cluster.start(victim);
    }
    await writer.put('key', `${number}`);
    const after = writer.token();
    for (const readPreference of ['standby', 'nearest'] as const) {
      const causal = await reader.read('key', { consistency: 'session', after, readPreference });
      expect(Number(causal?.value)).toBe(number);
      const newest = await reader.read('key', { consistency: 'linearizable', readPreference });
      expect(Number(newest?.value)).toBe(number);
      for (const read of [causal, newest]) servedBy.add(`${read?.servedBy}`);
    }
  }
  expect(reader.token()).toBeGreaterThanOrEqual(writer.token());
  console.log(`served by ${[...servedBy].toSorted().join(', ')}`);
  expect(servedBy.size).toBeGreaterThanOrEqual(2);
});
