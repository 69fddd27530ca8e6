import { type Holdfast, HoldfastError } from '@holdfast/client';
import { expect, test } from 'vitest';
import type { LocalCluster } from '../support/cluster/local-cluster.ts';
import { openPinnedClient } from '../support/cluster/pinned-client.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { expectSound } from '../support/load/expect-sound.ts';
import { LedgerLoad } from '../support/load/ledger-load.ts';
import { THRESHOLDS } from '../thresholds.ts';

const ELECTION_TIMEOUT_MS = 400;
/** Time for calls that are to find no answer. */
const VAIN_MS = 300;
/** And for those that are to find one. */
const PATIENCE_MS = 5000;

/** Writes one after the other at one level to one node, and notes when the last was acknowledged. */
class LastAcknowledgement {
  at = 0;
  count = 0;
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(client: Holdfast<string, string>, ack: 'local' | 'quorum') {
    this.#done = this.#run(client, ack);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(client: Holdfast<string, string>, ack: 'local' | 'quorum'): Promise<void> {
    while (!this.#stopped) {
      try {
        await client.write([{ type: 'put', key: `last/${ack}`, value: `${this.count}` }], { ack });
        this.at = performance.now();
        this.count += 1;
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
      }
    }
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    return `answered: ${JSON.stringify(await call)}`;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.code;
  }
}

async function isNoPrimary(cluster: LocalCluster, id: string): Promise<void> {
  await cluster.until(id, 'to step down', ({ role, primary }) => role !== 'primary' && primary === undefined);
}

// G9, G10, G11, G14.
test('a primary cut off from the others stops acknowledging, and tells no client anything stale', async () => {
  const cluster = await startTestCluster();
  const client = await cluster.client();
  const old = await cluster.primary();
  const pinned = await openPinnedClient(cluster.url(old), VAIN_MS);
  const reader = await openPinnedClient(cluster.url(old), VAIN_MS);
  const load = new LedgerLoad({ client, workers: 4 });
  const { revision } = await client.write([{ type: 'put', key: 'k', value: 'before' }], { ack: 'all' });
  const writers = [new LastAcknowledgement(pinned, 'local'), new LastAcknowledgement(pinned, 'quorum')];
  await load.reached(200);

  const cutAt = performance.now();
  await cluster.order(old, { peers: 'silent' });
  const surelyCutAt = performance.now();
  await isNoPrimary(cluster, old);
  await Promise.all(writers.map((writer) => writer.stop()));
  const lateMs = writers.map(({ at }) => at - cutAt);
  console.log(
    `last acknowledgements after the cut: local ${lateMs[0]?.toFixed(0)} ms, quorum ${lateMs[1]?.toFixed(0)} ms`,
  );
  expect(writers.every(({ count }) => count > 0)).toBe(true);
  for (const late of lateMs)
    expect(late).toBeLessThan(ELECTION_TIMEOUT_MS + THRESHOLDS.acknowledgedAfterCutMs.asserted);

  const after = await client.write([{ type: 'put', key: 'k', value: 'after' }], { ack: 'quorum' });
  const refused = ['HOLDFAST_NO_PRIMARY', 'HOLDFAST_DEADLINE_EXCEEDED'];
  expect(refused).toContain(await codeOf(reader.put('k', 'nobody hears it', { ack: 'local' })));
  expect(refused).toContain(await codeOf(reader.read('k', { consistency: 'linearizable' })));
  const sinceCutMs = performance.now() - surelyCutAt;
  const eventual = await reader.read('k', { consistency: 'eventual', timeoutMs: PATIENCE_MS });
  expect(eventual).toMatchObject({ value: 'before', revision, servedBy: old });
  // Rounded, and counted by another process.
  expect(eventual?.staleness).toBeGreaterThan(sinceCutMs - 2);
  expect(await codeOf(reader.read('k', { consistency: 'eventual', maxStalenessMs: 100 }))).toBe(
    'HOLDFAST_TOO_STALE',
  );
  const session = await reader.read('k', {
    consistency: 'session',
    after: revision,
    timeoutMs: PATIENCE_MS,
  });
  expect(session).toMatchObject({ value: 'before', servedBy: old });
  expect(refused).toContain(
    await codeOf(reader.read('k', { consistency: 'session', after: after.revision })),
  );
  for (let read = 0; read < 5; read++) await load.readThrough(reader, 'reader');

  const { term } = await cluster.status(await cluster.primary(old));
  await cluster.order(old, { peers: 'none' });
  await cluster.until(
    old,
    'to rejoin',
    (status) => status.ready && status.role === 'standby' && status.term >= term,
  );
  // It has been told no for long: its breaker may let a probe through first.
  const back = { consistency: 'session', after: after.revision, timeoutMs: PATIENCE_MS } as const;
  expect(await reader.read('k', back)).toMatchObject({ value: 'after' });
  await load.reached(load.acknowledged + 200);
  await load.stop();
  await Promise.all([pinned.close(), reader.close()]);
  await cluster.level();
  await expectSound(load);
});

// G9: the others replace it at once, while it still believes for an election timeout that it is in office.
test('a primary that its peers took for dead reads nothing stale before it learns of it', async () => {
  const cluster = await startTestCluster();
  const client = await cluster.client();
  const load = new LedgerLoad({ client, workers: 8 });
  for (let round = 0; round < (process.env.HOLDFAST_LONG === '1' ? 20 : 3); round++) {
    await cluster.caughtUp();
    const old = await cluster.primary();
    const reader = await openPinnedClient(cluster.url(old), VAIN_MS);
    await load.reached(load.acknowledged + 100);
    let isOver = false;
    const reading = Promise.all(
      Array.from({ length: 8 }, async (_, number) => {
        while (!isOver) await load.readThrough(reader, `reader-${round}-${number}`);
      }),
    );
    await cluster.order(old, { peers: 'refused' });
    await cluster.primary(old);
    await load.reached(load.acknowledged + 200);
    await isNoPrimary(cluster, old);
    isOver = true;
    await reading;
    await reader.close();
    await cluster.order(old, { peers: 'none' });
  }
  await load.stop();
  await cluster.caughtUp();
  await cluster.level();
  await expectSound(load);
});

// G9, G14; fault 13.
test('a primary that was frozen acknowledges nothing and reads nothing stale from what piled up', async () => {
  const cluster = await startTestCluster();
  const client = await cluster.client();
  const load = new LedgerLoad({ client, workers: 8 });
  for (let round = 0; round < (process.env.HOLDFAST_LONG === '1' ? 20 : 3); round++) {
    await cluster.caughtUp();
    const old = await cluster.primary();
    const { term } = await cluster.status(old);
    const pinned = await openPinnedClient(cluster.url(old), 5000);
    // Wakes the links, so that what follows is sent at once.
    await pinned.put('warm', 'x');
    await load.reached(load.acknowledged + 100);
    cluster.pause(old);
    const reads = Array.from({ length: 20 }, () => load.readThrough(pinned, `pinned-${round}`));
    const acknowledged: number[] = [];
    const writes = Array.from({ length: 20 }, async (_, number) => {
      const ack = number % 2 === 0 ? 'local' : 'quorum';
      const put = { type: 'put', key: `piled-up/${round}/${number}`, value: 'x' } as const;
      acknowledged.push((await pinned.write([put], { ack })).term);
    });
    // Most find no primary: they can reach this node only.
    const settled = Promise.allSettled(writes);
    await cluster.primary(old);
    await load.reached(load.acknowledged + 200);
    cluster.resume(old);
    await cluster.until(old, 'to know that it is none', (status) => status.term > term);
    await pinned.close();
    await settled;
    await Promise.all(reads);
    expect(acknowledged.filter((at) => at <= term)).toEqual([]);
  }
  await load.stop();
  await cluster.level();
  await expectSound(load);
});
