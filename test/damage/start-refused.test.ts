import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessCluster } from '../support/faults/process-cluster.ts';

const NOBODY = 65534;

/** The others must not notice: writes at quorum all the while, none of which may fail. */
async function undisturbed(cluster: ProcessCluster, during: () => Promise<void>): Promise<void> {
  const client = await cluster.client();
  let done = false;
  const writing = (async () => {
    let count = 0;
    for (; !done; count++) await client.put(`beside-${count % 100}`, `${count}`, { ack: 'quorum' });
    return count;
  })();
  try {
    await during();
  } finally {
    done = true;
    expect(await writing).toBeGreaterThan(0);
  }
}

test('each start that cannot be is refused with a code and a reason, and disturbs nobody', async () => {
  const cluster = await ProcessCluster.start();
  const other = await ProcessCluster.make();
  const primary = await cluster.primary();
  const [victim] = cluster.ids.filter((id) => id !== primary) as [string, string];
  const port = cluster.port(victim);
  await undisturbed(cluster, async () => {
    const refusals: Record<string, { code: number | null; line: string }> = {};

    // Another process has the directory: the node of the same id, on a port of its own.
    refusals['directory in use'] = await other.startRefused('n1', { flags: { data: cluster.data(victim) } });

    refusals['busy port'] = await other.startRefused('n1', { flags: { listen: `127.0.0.1:${port}` } });

    const file = join(other.directory, 'file');
    writeFileSync(file, 'not a directory');
    refusals['a file in place of the directory'] = await other.startRefused('n1', { flags: { data: file } });
    refusals['a file above the directory'] = await other.startRefused('n1', {
      flags: { data: join(file, 'below') },
    });

    refusals['a file system that takes no directory'] = await other.startRefused('n1', {
      flags: { data: '/proc/holdfast/data' },
    });

    // Somebody else's data: a copy of the victim's directory, given to a node of another name, and to other voters.
    const taken = join(other.directory, 'taken');
    await cluster.kill(victim);
    cpSync(cluster.data(victim), taken, { recursive: true });
    await cluster.start(victim);
    const strangerId = cluster.ids.find((id) => id !== victim)!;
    refusals['directory of another node'] = await other.startRefused(strangerId, { flags: { data: taken } });
    refusals['another list of nodes'] = await other.startRefused(victim, {
      flags: { data: taken, peers: `${victim}=127.0.0.1:${other.port(victim)},n9=127.0.0.1:1` },
    });

    refusals['a configuration that cannot be read'] = await other.startRefused('n1', {
      flags: { electionTimeoutMs: 'soon', peers: 'n1', defaultAck: 'most' },
    });

    const open = (line: string) => expect.objectContaining({ code: 1, line: expect.stringMatching(line) });
    expect(refusals).toEqual({
      'directory in use': open('HOLDFAST_DATA_DIRECTORY_IN_USE: .*another process'),
      'busy port': open(`HOLDFAST_PORT_IN_USE: .*127.0.0.1:${port}`),
      'a file in place of the directory': open('HOLDFAST_DATA_DIRECTORY_UNUSABLE: .*file'),
      'a file above the directory': open('HOLDFAST_DATA_DIRECTORY_UNUSABLE: .*file'),
      'a file system that takes no directory': open('HOLDFAST_DATA_DIRECTORY_UNUSABLE: .*/proc'),
      'directory of another node': open(`HOLDFAST_DATA_DIRECTORY_UNUSABLE: .*belongs to node ${victim}`),
      'another list of nodes': open('HOLDFAST_WRONG_CLUSTER: .*n1, n2, n3.*n9'),
      'a configuration that cannot be read': open('HOLDFAST_INVALID_CONFIGURATION: '),
    });
  });
  await cluster.level(cluster.ids);
});

test('a directory that cannot be written is refused', async () => {
  const cluster = await ProcessCluster.make({ count: 1 });
  const data = cluster.data('n1');
  mkdirSync(data);
  chmodSync(data, 0o555);
  chmodSync(cluster.directory, 0o755);
  // Permissions mean nothing to root: then the node runs as somebody to whom they do.
  const refused = await cluster.startRefused('n1', process.getuid?.() === 0 ? { uid: NOBODY } : {});
  expect(refused.code).toBe(1);
  expect(refused.line).toMatch(/HOLDFAST_DATA_DIRECTORY_UNUSABLE: .*writable/);
});

test('a port that something else than a node holds is refused', async () => {
  const cluster = await ProcessCluster.make({ count: 1 });
  const holder = createServer().listen(cluster.port('n1'), '127.0.0.1');
  await once(holder, 'listening');
  const refused = await cluster.startRefused('n1');
  expect(refused.line).toMatch('HOLDFAST_PORT_IN_USE');
  holder.close();
  await once(holder, 'close');
  await cluster.start('n1');
  await cluster.primary();
});
