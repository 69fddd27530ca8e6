import type { ClientMessage, NodeId } from '@holdfast/types';
import { afterEach, describe, expect, test } from 'vitest';
import { put, TestClient, text } from './support/test-client.ts';
import { TestCluster } from './support/test-cluster.ts';
import { waitFor } from './support/wait-for.ts';

let cluster: TestCluster;

afterEach(async () => {
  await cluster.close();
});

async function clientOf(id: NodeId): Promise<TestClient> {
  return await TestClient.connect(cluster.url(id));
}

/** Writes `<prefix>0`… one after the other. */
async function putMany(client: TestClient, prefix: string, count: number, size = 10): Promise<void> {
  const value = 'x'.repeat(size);
  for (let number = 0; number < count; number += 1) await client.put(`${prefix}${number}`, value);
}

test('three nodes form a cluster, elect a primary and keep what is written', async () => {
  cluster = await TestCluster.make(3);
  await cluster.startAll();
  const primary = await cluster.primary();
  const client = await clientOf(primary.status().id);
  expect(client.welcome.topology.primary).toBe(primary.status().id);
  const receipt = await client.put('greeting', 'hello');
  expect(receipt).toMatchObject({ ack: 'quorum', repeated: false });
  expect(await client.get('greeting')).toBe('hello');
  await cluster.level();
  expect(primary.status()).toMatchObject({ ready: true, connections: 1, acknowledged: { quorum: 1 } });
});

test('a read with a deadline beyond all numbers is answered by a standby, and no link between nodes ends', async () => {
  cluster = await TestCluster.make(3);
  await cluster.startAll();
  const primary = await cluster.primaryId();
  await (await clientOf(primary)).put('a', '1');
  const standby = await clientOf(cluster.ids.find((id) => id !== primary)!);
  // What is left of it when the primary is asked is rounded, now to one side and now to the other.
  for (let times = 0; times < 20; times += 1) {
    const answer = await standby.read(['a'], { remainingMs: Number.MAX_VALUE });
    expect(text(answer.items[0]?.value)).toBe('1');
  }
  const events = cluster.running.flatMap((node) => node.events.after(0).map(({ kind }) => kind));
  expect(events).not.toContain('linkRefused');
  expect(events).not.toContain('linkLost');
});

test('the last sequence that a session can have is replicated, and recovered', async () => {
  cluster = await TestCluster.make(3);
  await cluster.startAll();
  const sequence = Number.MAX_SAFE_INTEGER;
  const client = await clientOf(await cluster.primaryId());
  const session = await client.openSession();
  const write = (id: number): ClientMessage => ({
    kind: 'write',
    session,
    floor: sequence - 1,
    requests: [{ id, sequence, ack: 'all', remainingMs: 5000, conditions: [], operations: [put('a', '1')] }],
  });
  expect(await client.call(write)).toMatchObject({ ack: 'all', repeated: false });
  await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
  await cluster.startAll();
  const again = await clientOf(await cluster.primaryId());
  expect(await again.get('a')).toBe('1');
  expect(await again.call(write)).toMatchObject({ ack: 'all', repeated: true });
});

test('a single node is a cluster too', async () => {
  cluster = await TestCluster.make(1);
  await cluster.startAll();
  const client = await clientOf(await cluster.primaryId());
  expect((await client.put('a', '1', 'all')).copies).toBe(1);
  await cluster.kill(cluster.ids[0]!);
  await cluster.startAll();
  const again = await clientOf(await cluster.primaryId());
  expect(await again.get('a')).toBe('1');
});

describe('failover', () => {
  test('the primary is killed: another takes over and has every acknowledged write', async () => {
    cluster = await TestCluster.make(3);
    await cluster.startAll();
    const first = await cluster.primaryId();
    const client = await clientOf(first);
    await putMany(client, 'before', 50);
    await cluster.kill(first);
    const second = await cluster.primary();
    expect(second.status().id).not.toBe(first);
    // A dead process is known by its refused connection, long before any timeout.
    const suspicions = cluster.running.flatMap((node) =>
      node.events.after(0).filter(({ kind }) => kind === 'suspicion'),
    );
    const reason = 'its link closed and a new one was refused';
    expect(suspicions).toContainEqual(expect.objectContaining({ of: first, reason }));
    const next = await clientOf(second.status().id);
    for (const number of [0, 49]) expect(await next.get(`before${number}`)).toBe('x'.repeat(10));
    await putMany(next, 'after', 10);
    await cluster.start(first);
    await cluster.level();
    expect(cluster.node(first).status()).toMatchObject({ role: 'standby', ready: true });
  });

  test('all nodes are killed at once: nothing acknowledged is missing', async () => {
    cluster = await TestCluster.make(3);
    await cluster.startAll();
    const client = await clientOf(await cluster.primaryId());
    await putMany(client, 'k', 100);
    await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
    await cluster.startAll();
    const next = await clientOf(await cluster.primaryId());
    const answer = await next.read(Array.from({ length: 100 }, (_, number) => `k${number}`));
    expect(answer.items.filter((item) => item !== undefined)).toHaveLength(100);
    await cluster.level();
  });

  test('a clean stop hands the role over first', async () => {
    cluster = await TestCluster.make(3);
    await cluster.startAll();
    const { id: first, term } = (await cluster.primary()).status();
    const watcher = await clientOf(cluster.ids.find((id) => id !== first)!);
    await cluster.stop(first);
    const second = await cluster.primary();
    expect(second.status().term).toBe(term + 1);
    await waitFor('the clients to be told', () => watcher.topology.primary === second.status().id);
    expect(second.events.after(0).some(({ kind }) => kind === 'suspicion')).toBe(false);
  });

  test('an operator names the next primary', async () => {
    cluster = await TestCluster.make(3);
    await cluster.startAll();
    const first = await cluster.primary();
    const target = cluster.ids.find((id) => id !== first.status().id)!;
    await first.switchover(target);
    expect(await cluster.primaryId()).toBe(target);
    await expect(cluster.node(first.status().id).switchover()).rejects.toMatchObject({
      code: 'HOLDFAST_NOT_PRIMARY',
    });
  });
});

describe('catching up', () => {
  test('a standby that was away gets the log it missed', async () => {
    cluster = await TestCluster.make(3);
    await cluster.startAll();
    const primary = await cluster.primaryId();
    const away = cluster.ids.find((id) => id !== primary)!;
    const client = await clientOf(primary);
    await putMany(client, 'a', 20);
    await cluster.kill(away);
    await putMany(client, 'b', 50);
    await cluster.start(away);
    await cluster.level();
    expect(
      cluster
        .node(away)
        .events.after(0)
        .some(({ kind }) => kind === 'snapshot'),
    ).toBe(false);
  });

  test('a standby that was away for longer than the log reaches gets a snapshot', async () => {
    const tuning = { checkpointBytes: 500_000, checkpointMs: 50, walRetainBytes: 200_000 };
    cluster = await TestCluster.make(3, { tuning });
    await cluster.startAll();
    const primary = await cluster.primary();
    const id = primary.status().id;
    const away = cluster.ids.find((other) => other !== id)!;
    const client = await clientOf(id);
    await putMany(client, 'early', 10);
    await cluster.kill(away);
    await putMany(client, 'missed', 60, 100_000);
    // On both: a busy machine may have changed the primary meanwhile.
    const others = cluster.ids.filter((other) => other !== away);
    await waitFor('the head of the log to go', () =>
      others.every((other) => cluster.node(other).status().wal.bytes < 5_000_000),
    );
    await cluster.start(away);
    await cluster.level();
    const installed = cluster
      .node(away)
      .events.after(0)
      .some(({ kind, state }) => kind === 'snapshot' && state === 'installed');
    expect(installed).toBe(true);
    // What follows goes on from there, over a restart too.
    await putMany(client, 'later', 5);
    await cluster.kill(away);
    await cluster.start(away);
    await putMany(client, 'last', 5);
    await cluster.level();
  });
});
