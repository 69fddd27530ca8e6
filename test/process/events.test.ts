import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeEvent } from '@holdfast/server';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';
import { WalFiles } from '../support/faults/wal-files.ts';

const VALUES = 300;
const VALUE = 'v'.repeat(900);
/** Small segments, so that there are many; heartbeats that are late for as long as the test wants are not missed. */
const FLAGS = { segmentBytes: 65_536, electionTimeoutMs: 3000, asyncLagMsMax: 120 };

const KINDS = [
  'suspicion',
  'preVote',
  'election',
  'promotion',
  'stepDown',
  'divergence',
  'snapshot',
  'corruption',
] as const;

/** What the node has to tell of this run, and nothing of what is yet to come. */
async function eventsOf(cluster: ProcessCluster, id: string): Promise<NodeEvent[]> {
  const response = await fetch(`http://127.0.0.1:${cluster.port(id)}/v1/events?follow=false`);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)) as NodeEvent);
}

async function switchOver(cluster: ProcessCluster, id: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${cluster.port(id)}/v1/switchover`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(response.ok, await response.text()).toBe(true);
}

function damageStore(data: string): void {
  const database = join(data, 'databases/default');
  const store = readdirSync(database).find((name) => name.startsWith('store'))!;
  writeFileSync(join(database, store, 'CURRENT'), Buffer.alloc(16));
}

test('a kill, lost writes, a snapshot and damage are told at /v1/events, each with its time and reason', async () => {
  const cluster = await ProcessCluster.start({ flags: FLAGS });
  const client = await cluster.client();
  for (let start = 0; start < VALUES; start += 20)
    await Promise.all(Array.from({ length: 20 }, (_, offset) => client.put(`key-${start + offset}`, VALUE)));
  const seen: NodeEvent[] = [];
  const collect = async (): Promise<void> => {
    for (const id of cluster.running) seen.push(...(await eventsOf(cluster, id)));
  };

  // Writes that nobody else has, and a kill.
  const first = await cluster.primary();
  await cluster.order(first, { lagMs: 2500 });
  await client.put('lost', 'x', { ack: 'local' });
  await cluster.kill(first);
  const second = await cluster.primary();
  await cluster.start(first);
  await cluster.level();
  await waitUntil('the divergence to be told', async () =>
    (await eventsOf(cluster, first)).some(({ kind }) => kind === 'divergence'),
  );
  await switchOver(cluster, second);
  await cluster.primary(second);
  await collect();

  const primary = await cluster.primary();
  const [damagedStore, damagedLog] = cluster.ids.filter((id) => id !== primary) as [string, string];
  await cluster.stop(damagedStore);
  damageStore(cluster.data(damagedStore));
  await cluster.start(damagedStore);
  await cluster.level();
  // Stopped in order, and damaged below its checkpoint: nothing else would ever tell.
  await cluster.stop(damagedLog);
  const files = new WalFiles(cluster.data(damagedLog));
  files.flipBit(files.sealed(0.5), 0.5);
  await cluster.start(damagedLog);
  await cluster.level();
  await collect();

  for (const kind of KINDS) {
    const events = seen.filter((event) => event.kind === kind);
    expect(events.length, kind).toBeGreaterThan(0);
    for (const event of events) {
      expect(event.at, kind).toBeGreaterThan(0);
      expect(event.reason, kind).toMatch(/\w/);
    }
  }
  const corruptionAt = (id: string): Promise<NodeEvent[]> =>
    eventsOf(cluster, id).then((events) => events.filter(({ kind }) => kind === 'corruption'));
  expect(await corruptionAt(damagedStore)).toMatchObject([{ what: 'store', database: 'default' }]);
  expect(await corruptionAt(damagedLog)).toMatchObject([
    {
      what: 'log',
      where: expect.stringContaining('wal'),
      reason: expect.stringMatching(/^entries are lost: \d/),
    },
  ]);
  expect(cluster.log(damagedStore)).toMatch(/"level":"warn".*"the store is damaged"/);
  expect(cluster.log(damagedLog)).toMatch(/"level":"warn".*"the log is damaged"/);
});
