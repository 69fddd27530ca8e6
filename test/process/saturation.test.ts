import { randomBytes } from 'node:crypto';
import type { Holdfast } from '@holdfast/client';
import { expect, test } from 'vitest';
import type { LocalCluster } from '../support/cluster/local-cluster.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { SaturatingLoad } from '../support/load/saturating-load.ts';
import { THRESHOLDS } from '../thresholds.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const DURATION_MS = isLong ? 600_000 : 10_000;
const STALL_MS = 200;
const STALL_EVERY_MS = 1000;
/** More than a node keeps of its log, so that a standby that missed it needs a snapshot. */
const MISSED_BYTES = 170 * 1_048_576;
const MISSED_VALUE_BYTES = 262_144;

async function writeMuch(client: Holdfast<string, string>): Promise<void> {
  const values = MISSED_BYTES / MISSED_VALUE_BYTES;
  for (let first = 0; first < values; first += 8) {
    const puts = Array.from({ length: 8 }, (_, position) =>
      client.put(`large-${(first + position) % 100}`, randomBytes(MISSED_VALUE_BYTES / 2).toString('hex'), {
        timeoutMs: 30_000,
      }),
    );
    await Promise.all(puts);
  }
}

/** A standby misses so much that it has to be sent a snapshot; the load goes on meanwhile. */
async function sendSnapshot(
  cluster: LocalCluster,
  client: Holdfast<string, string>,
  standby: string,
): Promise<void> {
  await cluster.kill(standby);
  await writeMuch(client);
  await cluster.start(standby);
  await waitUntil(
    'the snapshot to be installed',
    async () =>
      (await cluster.events(standby)).some(({ kind, state }) => kind === 'snapshot' && state === 'installed'),
    120_000,
  );
}

/** Who stood for election after `term`, and why, by what the nodes that run still know. */
async function electionsAfter(term: number, cluster: LocalCluster): Promise<string[]> {
  const told = await Promise.all(
    cluster.ids.map(async (id) =>
      (await cluster.events(id)).map(({ kind, term, reason }) => ({ id, kind, term: Number(term), reason })),
    ),
  );
  return told
    .flat()
    .filter((event) => event.kind === 'election' && event.term > term)
    .map((event) => `term ${event.term}: ${event.id}, ${event.reason}`);
}

test(
  `${DURATION_MS / 1000} s of saturating load with a stalling standby and snapshots cause no election`,
  async () => {
    const cluster = await startTestCluster();
    const client = await cluster.client({ timeoutMs: 30_000 });
    await client.put('first', 'x');
    const primary = await cluster.primary();
    const { term } = await cluster.status(primary);
    // The one that this primary won, or the test would not see any.
    expect(await electionsAfter(0, cluster)).not.toEqual([]);
    const [stalling, restarted] = cluster.ids.filter((id) => id !== primary) as [string, string];
    const load = new SaturatingLoad(client);
    const startedAt = performance.now();
    let stalls = 0;
    let isTaken = true;
    const stalled = setInterval(() => {
      if (!isTaken) return;
      isTaken = false;
      // Counted when the node has taken the order: one that hangs for longer stalls less often.
      void cluster.order(stalling, { stallMs: STALL_MS }).then(() => {
        isTaken = true;
        stalls += 1;
      });
    }, STALL_EVERY_MS);
    let snapshots = 0;
    try {
      do {
        await sendSnapshot(cluster, client, restarted);
        snapshots += 1;
      } while (performance.now() - startedAt < DURATION_MS);
    } finally {
      clearInterval(stalled);
      await load.stop();
    }
    const { busyShare } = load;
    const seconds = (performance.now() - startedAt) / 1000;
    const elections = await electionsAfter(term, cluster);
    console.log(
      `${seconds.toFixed(0)} s, cores ${(100 * busyShare).toFixed(0)} % busy: ${load.writes} writes, ${load.reads} reads, ` +
        `${stalls} stalls, ${snapshots} snapshots, ${elections.length} elections`,
    );
    // First the cause: with an election, what calls say is told by it.
    expect(elections).toEqual([]);
    expect(await cluster.status(primary)).toMatchObject({ role: 'primary', term });
    expect(load.words).toEqual([]);
    expect(seconds / stalls).toBeLessThanOrEqual(THRESHOLDS.secondsPerStall.asserted);
    // A short run is for a good part the start of a node and of the load.
    if (isLong) expect(busyShare).toBeGreaterThan(THRESHOLDS.busyShare.asserted);
    await cluster.level();
  },
  DURATION_MS + 180_000,
);
