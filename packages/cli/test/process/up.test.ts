import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { isAlive, listenAnywhere, spawnHoldfast, TestCluster } from '../support/local-cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.remove());

async function started(...args: string[]): Promise<void> {
  cluster = await TestCluster.make();
  cluster.up(...args);
  await cluster.ready();
}

it('shows a kill from the death to the first write possible, and restarts nothing', async () => {
  await started();
  for (const { id, port } of cluster.file.nodes)
    expect(cluster.output).toContain(`${id}  ws://127.0.0.1:${port}`);
  await cluster.run(['put', 'kept', 'yes']);
  const { id } = await cluster.primary();
  expect(await cluster.run(['kill', id])).toMatchObject({ status: 0, stderr: `${id} is killed\n` });
  const story = new RegExp(
    `${id} died · n\\d suspected it after \\d+ ms · (n\\d )?elected after \\d+ ms · first write possible after \\d+ ms`,
  );
  await cluster.until('the story', () => story.test(cluster.output));
  expect((await cluster.run(['get', 'kept'])).stdout).toBe('yes\n');
  expect(await cluster.row(id)).toMatchObject({ role: 'down', term: null, pid: null });
  expect(await cluster.run(['kill', id])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('does not run'),
  });
  expect(await cluster.run(['start', id])).toMatchObject({ status: 0 });
  await cluster.until('the node is level', async () => (await cluster.row(id)).lag?.entries === 0);
  expect(await cluster.run(['start', id])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('runs already'),
  });
});

it('pauses, resumes, hands over and stops nodes; ends with a paused one', async () => {
  await started();
  const standby = (await cluster.rows()).find(({ role }) => role === 'standby')!.id;
  await cluster.run(['pause', standby]);
  expect(await cluster.row(standby)).toMatchObject({ role: 'paused', pid: expect.any(Number) });
  expect(await cluster.run(['start', standby])).toMatchObject({
    stderr: expect.stringContaining('resume it'),
  });
  await cluster.run(['resume', standby]);
  await cluster.until('it follows again', async () => (await cluster.row(standby)).lag?.entries === 0);
  const handed = await cluster.run(['switchover', '--to', standby]);
  expect(handed.stderr).toMatch(new RegExp(`^n\\d handed over to ${standby} in term \\d+, after \\d+ ms\n$`));
  expect((await cluster.primary()).id).toBe(standby);
  expect(await cluster.run(['stop', standby])).toMatchObject({
    status: 0,
    stderr: `${standby} is stopped\n`,
  });
  expect((await cluster.primary()).id).not.toBe(standby);
  const pids = (await cluster.rows()).flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const paused = (await cluster.rows()).find(({ role }) => role === 'standby')!.id;
  await cluster.run(['pause', paused]);
  expect(await cluster.exit('SIGINT')).toBe(0);
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(existsSync(join(cluster.place, 'up.json'))).toBe(false);
});

it('leaves no orphans when it is killed, not even one that is paused', async () => {
  await started();
  const pids = (await cluster.rows()).map(({ pid }) => pid as number);
  await cluster.run(['pause', 'n2']);
  expect(await cluster.exit('SIGKILL')).toBeNull();
  await cluster.until('all nodes are gone', () => pids.every((pid) => !isAlive(pid)));
  expect(await cluster.run(['status'])).toMatchObject({
    status: 3,
    stderr: 'HOLDFAST_NO_PRIMARY: no node answers\n',
  });
  // What it left behind keeps nobody from starting again.
  cluster.up();
  await cluster.ready();
});

it('keeps data, ports and level between runs; refuses a second run and other nodes; wipes when told', async () => {
  await started('--ack', 'all');
  await cluster.run(['put', 'kept', 'yes']);
  const second = spawnHoldfast(['up'], cluster.directory);
  let words = '';
  second.stderr?.on('data', (text) => {
    words += text;
  });
  expect(await new Promise((resolve) => second.once('close', resolve))).toBe(1);
  expect(words).toContain(`already (process ${cluster.upPid})`);
  await cluster.exit('SIGTERM');

  cluster.up('--nodes', '5');
  expect(await cluster.exit()).toBe(1);
  expect(cluster.output).toMatch(/HOLDFAST_WRONG_CLUSTER: .* n1, n2, n3; asked for are n1, n2, n3, n4, n5/);

  const [first] = cluster.file.nodes;
  const taken = await listenAnywhere(first!.port);
  cluster.up();
  await cluster.ready();
  expect(cluster.output).toContain(`port ${first!.port} is taken by another process: n1 listens on`);
  expect(cluster.file.nodes[0]!.port).not.toBe(first!.port);
  expect((await cluster.run(['get', 'kept'])).stdout).toBe('yes\n');
  expect(JSON.parse((await cluster.run(['put', 'more', 'x', '--json'])).stdout)).toMatchObject({
    ack: 'all',
  });
  await cluster.exit('SIGTERM');
  await new Promise((resolve) => taken.close(resolve));

  cluster.up('--fresh');
  expect(await cluster.exit()).toBe(2);
  expect(cluster.output).toMatch(/deletes the data of n1, n2, n3 .* give --yes/);
  const kept = cluster.file;
  cluster.up('--fresh', '--yes');
  await cluster.ready();
  expect(await cluster.run(['get', 'kept'])).toMatchObject({ status: 1 });
  expect(kept.nodes).toHaveLength(3);
});

it('is drawn in place on a terminal, without colours if so wished', async () => {
  cluster = await TestCluster.make(1);
  const screen = spawnSync(
    'script',
    [
      '-qec',
      `timeout -s INT 6 ${process.execPath} ${new URL('../../bin/holdfast.ts', import.meta.url).pathname} up`,
      '/dev/null',
    ],
    {
      cwd: cluster.directory,
      env: { PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1' },
      encoding: 'utf8',
    },
  ).stdout;
  expect(screen).toContain('\u001b[?2026h');
  expect(screen).toMatch(/n1 +primary/);
  expect(screen).toContain('all nodes are stopped');
  expect(screen).toContain('\u001b[?25h');
  expect(screen).not.toMatch(/\u001b\[3\dm/);
});

it('runs one node by itself, and says in one line why it cannot', async () => {
  cluster = await TestCluster.make(1);
  const port = cluster.file.nodes[0]!.port;
  const args = ['node', '--id', 'n1', '--data', 'alone', '--listen', `127.0.0.1:${port}`];
  const node = spawnHoldfast(args, cluster.directory);
  const ended = new Promise((resolve) => node.once('close', resolve));
  const url = ['--url', `ws://127.0.0.1:${port}`];
  await cluster.until(
    'it takes writes',
    async () => (await cluster.run(['put', 'a', '1', ...url])).status === 0,
  );
  const busy = spawnHoldfast([...args.slice(0, 4), 'other', ...args.slice(5)], cluster.directory);
  let words = '';
  busy.stderr?.on('data', (text) => {
    words += text;
  });
  expect(await new Promise((resolve) => busy.once('close', resolve))).toBe(1);
  expect(words).toMatch(/^HOLDFAST_PORT_IN_USE: .*\nStop the other process/);
  node.kill('SIGTERM');
  expect(await ended).toBe(0);
});
