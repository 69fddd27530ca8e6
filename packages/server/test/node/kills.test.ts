import { HoldfastError, LIMITS, type NodeId } from '@holdfast/types';
import { afterEach, expect, test } from 'vitest';
import { TestClient } from './support/test-client.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

const ROUNDS = process.env.HOLDFAST_LONG === '1' ? 30 : 4;
const WRITERS = 4;

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

/** Puts numbers under its own keys, at whoever is primary, and remembers which were acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  readonly #name: string;
  #next = 0;
  #stopped = false;
  readonly done: Promise<void>;

  constructor(name: string) {
    this.#name = name;
    this.done = this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const client = await TestClient.connect(cluster.url(await cluster.primaryId()));
        await this.#putUntilItFails(client);
        client.close();
      } catch (error) {
        // A write whose answer was lost is unknown: it may be there or not, and is not written again.
        if (!(error instanceof HoldfastError)) throw error;
      }
    }
  }

  async #putUntilItFails(client: TestClient): Promise<void> {
    while (!this.#stopped) {
      this.#next += 1;
      const key = `${this.#name}-${this.#next}`;
      await client.put(key, key);
      this.acknowledged.push(key);
    }
  }
}

test('the primary is killed again and again under load: nothing acknowledged is lost, all nodes hold the same', async () => {
  cluster = await TestCluster.make(3, { tuning: { checkpointBytes: 50_000, checkpointMs: 100 } });
  await cluster.startAll();
  await cluster.primary();
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(`w${number}`));
  const total = (): number => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  let victim: NodeId | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = total();
    await waitFor('writes to be acknowledged', () => total() > before + 50, 30_000);
    victim = await cluster.primaryId();
    await cluster.kill(victim);
    await cluster.primary();
    await cluster.start(victim);
  }
  for (const writer of writers) writer.stop();
  await Promise.all(writers.map(({ done }) => done));
  await cluster.level();
  const client = await TestClient.connect(cluster.url(await cluster.primaryId()));
  for (const { acknowledged } of writers) {
    for (let first = 0; first < acknowledged.length; first += LIMITS.keysPerReadMax) {
      const some = acknowledged.slice(first, first + LIMITS.keysPerReadMax);
      const { items } = await client.read(some);
      const missing = some.filter((_key, position) => items[position] === undefined);
      expect(missing).toEqual([]);
    }
  }
  expect(total()).toBeGreaterThan(ROUNDS * 50);
});
