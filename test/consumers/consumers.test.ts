import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { locationOf } from '../support/cluster/location.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import type { Consumer } from '../support/consumers/consumer.ts';
import { runConsumer } from '../support/consumers/run-consumer.ts';

const THEIRS = join(import.meta.dirname, 'theirs');
/** Its tests come with the package. */
const MQTT = dirname(createRequire(import.meta.url).resolve('aedes-persistence-level/package.json'));

/** `tests`: as many as there are on `level`; fewer would mean that a part was not run. */
const CONSUMERS: readonly (Consumer & { readonly tests: number })[] = [
  {
    name: 'aedes-persistence-level',
    runner: 'node:test',
    file: join(MQTT, 'test/test.js'),
    tests: 59,
  },
  {
    name: 'datastore-level',
    runner: 'mocha',
    file: join(THEIRS, 'datastore-level/index.spec.ts'),
    tests: 86,
  },
  {
    name: 'blockstore-level',
    runner: 'mocha',
    file: join(THEIRS, 'blockstore-level/index.spec.ts'),
    tests: 38,
  },
  {
    name: 'level-read-stream',
    runner: 'tape',
    file: join(THEIRS, 'level-read-stream/test.js'),
    tests: 87,
  },
];

test('packages written for level pass their own tests on three nodes', { timeout: 120_000 }, async ({
  signal,
}) => {
  const cluster = await startTestCluster();
  const startedAt = performance.now();
  const runs = await Promise.all(
    CONSUMERS.map(async (consumer) => ({
      ...consumer,
      outcomes: await runConsumer(consumer, { location: locationOf(cluster), signal }),
    })),
  );
  const failures = runs.flatMap(({ name, outcomes }) =>
    outcomes
      .filter(({ error }) => error !== undefined)
      .map((outcome) => `${name}: ${outcome.name}: ${outcome.error}`),
  );
  for (const { name, outcomes } of runs) {
    const failed = failures.filter((failure) => failure.startsWith(`${name}: `)).length;
    console.log(`${name}: ${outcomes.length - failed} passed, ${failed} failed`);
  }
  console.log(`all of them: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  expect(failures).toEqual([]);
  for (const { name, outcomes, tests } of runs) expect(outcomes, name).toHaveLength(tests);
});
