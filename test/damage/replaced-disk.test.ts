import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

/** A primary's verdict holds while it is in office: no election may come for want of a processor. */
const FLAGS = { electionTimeoutMs: 1500 };

/** Out: with its reason, in its own words and in those of the primary. */
async function expectOut(cluster: ProcessCluster, id: string, exclusion: string): Promise<void> {
  const status = await cluster.until(id, `to be out: ${exclusion}`, (one) => one.exclusion === exclusion);
  expect(status).toMatchObject({ role: 'excluded', ready: false, notReadyReason: `excluded: ${exclusion}` });
  expect((await fetch(`http://127.0.0.1:${cluster.port(id)}/readyz`)).status).toBe(503);
  const primary = await cluster.primary();
  await cluster.until(primary, `to say that ${id} is out`, ({ peers }) =>
    peers.some((peer) => peer.id === id && peer.exclusion === exclusion),
  );
}

/** With the third node away, a node that is out must not make a majority, whether it knows that it is out or not. */
async function expectNotCounted(cluster: ProcessCluster, out: string): Promise<void> {
  const client = await cluster.client();
  const primary = await cluster.primary();
  const third = cluster.ids.find((id) => id !== primary && id !== out)!;
  await client.put('with two', 'x', { ack: 'quorum' });
  await cluster.kill(third);
  await expect(client.put('without majority', 'x', { timeoutMs: 2500 })).rejects.toThrow();
  await cluster.until(primary, 'to resign', ({ role }) => role !== 'primary');
  expect((await cluster.status(out)).role).toBe('excluded');
  await cluster.start(third);
  await cluster.primary();
  await client.put('with majority', 'x', { ack: 'quorum' });
}

const WIPED: Readonly<Record<string, (data: string) => string>> = {
  'its data directory': (data) => data,
  'the databases beside its identity': (data) => join(data, 'databases'),
};

// G15.
test.each(Object.keys(WIPED))(
  'a node wiped of %s neither votes nor counts and says so, over restarts',
  async (what) => {
    const cluster = await ProcessCluster.start({ flags: FLAGS });
    const client = await cluster.client();
    await client.put('before', 'x', { ack: 'all' });
    const primary = await cluster.primary();
    const victim = cluster.ids.find((id) => id !== primary)!;
    await cluster.kill(victim);
    rmSync(WIPED[what]!(cluster.data(victim)), { recursive: true });
    await cluster.start(victim);
    await expectOut(cluster, victim, 'wiped');
    await expectNotCounted(cluster, victim);
    await cluster.kill(victim);
    await cluster.start(victim);
    await expectOut(cluster, victim, 'wiped');
  },
);

test('a node wiped while it was primary neither votes nor counts', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client();
  await client.put('before', 'x', { ack: 'all' });
  const victim = await cluster.primary();
  await cluster.kill(victim);
  rmSync(cluster.data(victim), { recursive: true });
  await cluster.start(victim);
  await expectOut(cluster, victim, 'wiped');
  await expectNotCounted(cluster, victim);
  expect(await client.get('before')).toBe('x');
});

test('two nodes wiped at once: the third alone is no cluster, and the two form no new one', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client();
  await client.put('before', 'x', { ack: 'all' });
  const [kept, ...wiped] = cluster.ids as [string, string, string];
  for (const id of cluster.ids) await cluster.kill(id);
  for (const id of wiped) rmSync(cluster.data(id), { recursive: true });
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  for (const id of wiped) {
    const status = await cluster.until(id, 'to be out', ({ exclusion }) => exclusion === 'wiped');
    expect(status.role).toBe('excluded');
  }
  await expect(client.put('after', 'x', { timeoutMs: 1000 })).rejects.toMatchObject({
    outcome: 'not-applied',
  });
  expect((await cluster.status(kept)).role).not.toBe('primary');
});

test('a node put back from an old copy under the same primary is out and says so, over restarts', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client();
  const primary = await cluster.primary();
  const victim = cluster.ids.find((id) => id !== primary)!;
  await client.put('before', 'x', { ack: 'all' });
  await cluster.kill(victim);
  const copy = `${cluster.data(victim)}.copy`;
  cpSync(cluster.data(victim), copy, { recursive: true });
  await cluster.start(victim);
  await cluster.level(cluster.ids);
  await client.put('after the copy', 'x', { ack: 'all' });
  await cluster.kill(victim);
  rmSync(cluster.data(victim), { recursive: true });
  cpSync(copy, cluster.data(victim), { recursive: true });
  await cluster.start(victim);
  expect(await cluster.primary()).toBe(primary);
  await expectOut(cluster, victim, 'disk-went-back');
  await cluster.kill(victim);
  await cluster.start(victim);
  await expectOut(cluster, victim, 'disk-went-back');
  await expectNotCounted(cluster, victim);
  await cluster.kill(victim);
  await cluster.start(victim);
  await expectOut(cluster, victim, 'disk-went-back');
});
