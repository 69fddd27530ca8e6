import { Holdfast } from '@holdfast/client';
import { expect, test } from 'vitest';
import { locationOf } from '../support/cluster/location.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { THRESHOLDS } from '../thresholds.ts';

const COUNT = 3000;

test('thousands of namespaces cost one set of links, and no time to open', async () => {
  const cluster = await startTestCluster();
  const location = locationOf(cluster);
  const first = new Holdfast(`${location}?namespace=first`);
  await first.open();
  const startedAt = performance.now();
  const databases: Holdfast[] = [];
  for (let at = 0; at < COUNT; at += 1) {
    const database = new Holdfast(`${location}?namespace=${at}`);
    await database.open();
    databases.push(database);
  }
  const openMs = (performance.now() - startedAt) / COUNT;
  await Promise.all(databases.map((database, at) => database.put('key', `${at}`)));
  const values = await Promise.all(databases.map((database) => database.get('key')));
  expect(values).toEqual(databases.map((_, at) => `${at}`));
  const connections = await Promise.all(
    cluster.ids.map(async (id) => (await cluster.status(id)).connections),
  );
  await Promise.all([first, ...databases].map((database) => database.close()));
  console.log(`${COUNT} namespaces: ${openMs.toFixed(3)} ms each, connections: ${connections.join(', ')}`);
  for (const count of connections) expect(count).toBeLessThanOrEqual(1);
  expect(openMs).toBeLessThan(THRESHOLDS.openNamespaceMs.asserted);
});
