import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holdfast } from '@holdfast/client';
import { afterEach, expect, it } from 'vitest';
import { PROGRAM } from '../support/capture.ts';
import { isAlive, listenOn, spawnHoldfast, TestCluster } from '../support/local-cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.remove());

async function expectRefused(args: readonly string[], words: string, status = 1): Promise<void> {
  expect(await cluster.run(args)).toMatchObject({ status, stderr: expect.stringContaining(words) });
}

function jsonLines<Line>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** How often the node was told to stop and could say so: one that is killed says nothing. */
function stops(id: string): number {
  const lines = jsonLines<{ msg: string; reason?: string }>(cluster.log(id));
  return lines.filter(({ msg, reason }) => msg === 'node stops' && reason === 'ordered').length;
}

async function started(nodes: number, ...args: string[]): Promise<void> {
  cluster = await TestCluster.make(nodes);
  cluster.up(...args);
  await cluster.ready();
}

it('shows a kill from the death to the first write possible, and carries out every order', async () => {
  await started(3);
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
  await expectRefused(['kill', id], 'does not run');
  expect(await cluster.run(['start', id])).toMatchObject({ status: 0 });
  await expectRefused(['start', id], 'runs already');

  const standby = (await cluster.rows()).find(({ role }) => role === 'standby')!.id;
  await cluster.run(['pause', standby]);
  expect(await cluster.row(standby)).toMatchObject({ role: 'paused', pid: expect.any(Number) });
  await expectRefused(['start', standby], 'resume it');
  await cluster.run(['resume', standby]);
  await cluster.until('it follows again', async () => (await cluster.row(standby)).lag?.entries === 0);
  // A slip in one name: nobody is told anything.
  await expectRefused(['stop', standby, 'n33'], 'there is no node "n33": the nodes are n1, n2, n3', 2);
  expect(await cluster.row(standby)).toMatchObject({ role: 'standby' });
  const handed = await cluster.run(['switchover', '--to', standby]);
  expect(handed.stderr).toMatch(new RegExp(`^n\\d handed over to ${standby} in term \\d+, after \\d+ ms\n$`));
  const { stdout } = await cluster.run(['switchover', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ from: standby, primary: (await cluster.primary()).id });
  expect(await cluster.run(['stop', standby])).toMatchObject({
    status: 0,
    stderr: `${standby} is stopped\n`,
  });
  expect((await cluster.primary()).id).not.toBe(standby);

  const rows = await cluster.rows();
  const pids = rows.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const paused = rows.find(({ role }) => role === 'standby')!.id;
  await cluster.run(['pause', paused]);
  expect(stops(paused)).toBe(0);
  expect(await cluster.exit('SIGINT')).toBe(0);
  // It was resumed, and not only killed at last.
  expect(stops(paused)).toBe(1);
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(existsSync(join(cluster.place, 'up.json'))).toBe(false);
});

it('stops a node that is paused as it does any other', async () => {
  await started(3);
  const { id } = (await cluster.rows()).find(({ role }) => role === 'standby')!;
  await cluster.run(['pause', id]);
  expect(await cluster.run(['stop', id])).toMatchObject({ status: 0, stderr: `${id} is stopped\n` });
  expect(stops(id)).toBe(1);
});

it('leaves no orphans when it is killed, not even one that is paused', async () => {
  await started(3);
  const rows = await cluster.rows();
  const pids = rows.map(({ pid }) => pid as number);
  expect(pids.filter(isAlive)).toHaveLength(3);
  await cluster.run(['pause', rows.find(({ role }) => role === 'standby')!.id]);
  expect(await cluster.exit('SIGKILL')).toBeNull();
  await cluster.until('all nodes are gone', () => !pids.some(isAlive));
  expect(await cluster.run(['status'])).toMatchObject({
    status: 3,
    stderr: 'HOLDFAST_NO_PRIMARY: no node answers\n',
  });
  // What it left behind keeps nobody from starting again.
  cluster.up();
  await cluster.ready();
});

it('brings back, once, what a failover took away', async () => {
  await started(3);
  const { id, url } = await cluster.primary();
  const others = (await cluster.rows()).filter((row) => row.id !== id);
  const database = new Holdfast(url, { ack: 'local', timeoutMs: 2000 });
  // Opens its session, which takes a majority.
  await database.put('before', 'x');
  // Until it misses its majority the primary still acknowledges at local.
  for (const { pid } of others) process.kill(pid as number, 'SIGKILL');
  await database.put('lost', 'once acknowledged');
  await database.put('overwritten', 'old');
  await cluster.run(['kill', id]);
  await database.close();
  await cluster.run(['start', ...others.map((row) => row.id)]);
  expect((await cluster.primary()).id).not.toBe(id);
  expect(await cluster.run(['get', 'lost'])).toMatchObject({ status: 1 });
  await cluster.run(['put', 'overwritten', 'new']);
  await cluster.run(['start', id]);
  const list = async (): Promise<{ id: string; asked: { local: number }; reapplied: boolean }[]> =>
    jsonLines((await cluster.run(['divergence', 'list', '--json'])).stdout);
  await cluster.until('the lost writes are listed', async () => (await list()).length > 0);

  const shown = (
    await Promise.all((await list()).map((entry) => cluster.run(['divergence', 'show', entry.id])))
  )
    .map(({ stdout }) => stdout)
    .join('');
  expect(shown).toMatch(/^\d+\tlost\tput\tlocal\t\d+\tlost\tonce acknowledged$/m);
  const reapplied = await cluster.run(['divergence', 'reapply', '--all', '--json']);
  expect(jsonLines<{ result: string }>(reapplied.stdout).map(({ result }) => result)).toContain('reapplied');
  expect((await cluster.run(['get', 'lost'])).stdout).toBe('once acknowledged\n');
  expect((await cluster.run(['get', 'overwritten'])).stdout).toBe('new\n');
  await cluster.run(['put', 'lost', 'changed since']);
  await cluster.run(['divergence', 'reapply', '--all']);
  expect((await cluster.run(['get', 'lost'])).stdout).toBe('changed since\n');
  expect((await list()).some((entry) => entry.reapplied)).toBe(true);
  await expectRefused(['divergence', 'discard', '--all'], 'give --yes', 2);
  await cluster.run(['divergence', 'discard', '--all', '--yes']);
  expect(await list()).toEqual([]);
});

it('keeps data, ports and level between runs; refuses a second run and other nodes; wipes when told', async () => {
  await started(1, '--ack', 'all');
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
  expect(cluster.output).toMatch(/HOLDFAST_WRONG_CLUSTER: .* by n1; asked for are n1, n2, n3, n4, n5/);

  const [first] = cluster.file.nodes;
  const taken = await listenOn(first!.port);
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
  expect(cluster.output).toMatch(/deletes the data of n1 .* give --yes/);
  cluster.up('--fresh', '--yes');
  await cluster.ready();
  expect(await cluster.run(['get', 'kept'])).toMatchObject({ status: 1 });
});

it('is drawn in place on a terminal, without colours if so wished, and ends with Ctrl-C', async () => {
  cluster = await TestCluster.make(1);
  const command = `exec ${process.execPath} ${PROGRAM} up`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: cluster.directory,
    env: { PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1' },
  });
  const ended = new Promise((resolve) => terminal.once('close', resolve));
  let screen = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  await cluster.until('the primary', () => /n1 +primary/.test(screen));
  terminal.stdin.write('\u0003');
  expect(await ended).toBe(0);
  expect(screen).toContain('\u001b[?2026h');
  expect(screen).toContain('all nodes are stopped');
  expect(screen).toContain('\u001b[?25h');
  expect(screen).not.toContain('\u001b[3');
});

it('runs one node by itself, and says in one line why it cannot', async () => {
  cluster = await TestCluster.make(1);
  const port = cluster.file.nodes[0]!.port;
  const args = ['node', '--id', 'n1', '--data', 'alone', '--listen', `127.0.0.1:${port}`];
  const compiled = join(cluster.directory, 'compiled');
  const node = spawnHoldfast(args, cluster.directory, { NODE_COMPILE_CACHE: compiled });
  let log = '';
  node.stdout?.on('data', (text) => {
    log += text;
  });
  const ended = new Promise((resolve) => node.once('close', resolve));
  const url = ['--url', `ws://127.0.0.1:${port}`];
  await cluster.until(
    'it takes writes',
    async () => (await cluster.run(['put', 'a', '1', ...url])).status === 0,
  );
  // Whoever starts it after a kill finds what was compiled.
  expect(readdirSync(compiled, { recursive: true }).length).toBeGreaterThan(100);
  const busy = spawnHoldfast([...args.slice(0, 4), 'other', ...args.slice(5)], cluster.directory);
  let words = '';
  busy.stderr?.on('data', (text) => {
    words += text;
  });
  expect(await new Promise((resolve) => busy.once('close', resolve))).toBe(1);
  expect(words).toMatch(/^HOLDFAST_PORT_IN_USE: .*\nStop the other process/);
  node.kill('SIGTERM');
  expect(await ended).toBe(0);
  // It has nobody to hand over to: that is nothing to be warned of.
  expect(log).toContain('"node started"');
  expect(log).not.toContain('handed over');
});

it('names the fix on a Node that is too old', async () => {
  cluster = await TestCluster.make(1);
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
  const old = spawn(process.execPath, [`--import=data:text/javascript,${pretend}`, PROGRAM, 'status']);
  let words = '';
  old.stderr.on('data', (text) => {
    words += text;
  });
  expect(await new Promise((resolve) => old.once('close', resolve))).toBe(2);
  expect(words).toMatch(/^holdfast needs Node.js 22.12 or newer; this is 20.20.2.\n.*nodejs.org/);
});

it('ends by itself, with the reason, when no node can start', async () => {
  cluster = await TestCluster.make(1);
  writeFileSync(join(cluster.place, 'n1'), 'a file where a directory should be');
  cluster.up();
  expect(await cluster.exit()).toBe(1);
  expect(cluster.output).toMatch(/n1 ended: exit status 1: HOLDFAST_DATA_DIRECTORY_UNUSABLE: /);
});
