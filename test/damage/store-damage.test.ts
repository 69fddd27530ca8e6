import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

const VALUES = 200;
const VALUE = 'v'.repeat(1000);
/** So that a restart leaves tables, and not only LevelDB's own log. */
const RESTARTS = 2;

/** The store that counts: each snapshot that was installed is in a directory of its own. */
function storeOf(cluster: ProcessCluster, id: string): string {
  const database = join(cluster.data(id), 'databases/default');
  const names = readdirSync(database).filter((name) => name.startsWith('store'));
  expect(names.length, `stores of ${id}: ${names.join(', ')}`).toBe(1);
  return join(database, names[0]!);
}

function filesOf(store: string, pattern: RegExp): string[] {
  const names = readdirSync(store).filter((name) => pattern.test(name));
  if (names.length === 0) throw new Error(`no ${pattern} among ${readdirSync(store).join(', ')}`);
  return names.map((name) => join(store, name));
}

function corrupt(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 16; at < bytes.length; at += 64) bytes[at]! ^= 0xff;
  writeFileSync(path, bytes);
}

const DAMAGES: Readonly<Record<string, (store: string) => void>> = {
  'CURRENT missing': (store) => rmSync(join(store, 'CURRENT')),
  'CURRENT of zeros': (store) => writeFileSync(join(store, 'CURRENT'), Buffer.alloc(16)),
  'tables corrupted': (store) => {
    for (const path of filesOf(store, /\.ldb$/)) corrupt(path);
  },
  'tables missing': (store) => {
    for (const path of filesOf(store, /\.ldb$/)) rmSync(path);
  },
  'MANIFEST corrupted': (store) => {
    for (const path of filesOf(store, /^MANIFEST/)) corrupt(path);
  },
  'the whole directory missing': (store) => rmSync(store, { recursive: true }),
};

// G16.
test('a damaged store is rebuilt from log and peers, and never served', async () => {
  const cluster = await ProcessCluster.start();
  const client = await cluster.client();
  await Promise.all(Array.from({ length: VALUES }, (_, number) => client.put(`key-${number}`, VALUE)));
  const primary = await cluster.primary();
  const victim = cluster.ids.find((id) => id !== primary)!;
  for (let restart = 0; restart < RESTARTS; restart++) {
    await cluster.stop(victim);
    await cluster.start(victim);
    await cluster.level(cluster.ids);
  }
  for (const [name, inflict] of Object.entries(DAMAGES)) {
    await cluster.stop(victim);
    inflict(storeOf(cluster, victim));
    await cluster.start(victim);
    const { keys } = await cluster.level(cluster.ids).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`);
    });
    expect(keys, name).toBe(VALUES);
    expect((await cluster.status(victim)).exclusion, name).toBeUndefined();
    await client.put('key-0', name, { ack: 'all' });
  }
});

test('with the stores of all nodes gone, all is rebuilt from their logs', async () => {
  const cluster = await ProcessCluster.start();
  const client = await cluster.client();
  await Promise.all(Array.from({ length: VALUES }, (_, number) => client.put(`key-${number}`, VALUE)));
  for (const id of cluster.ids) await cluster.kill(id);
  for (const id of cluster.ids) rmSync(storeOf(cluster, id), { recursive: true });
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  await cluster.primary();
  const { keys } = await cluster.level(cluster.ids);
  expect(keys).toBe(VALUES);
});
