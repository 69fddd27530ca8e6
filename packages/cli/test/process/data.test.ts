import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holdfast } from '@holdfast/client';
import { Sagas, saga } from '@holdfast/client/sagas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnHoldfast, TestCluster } from '../support/local-cluster.ts';

let cluster: TestCluster;
const run: TestCluster['run'] = (args, settings) => cluster.run(args, settings);

beforeAll(async () => {
  cluster = await TestCluster.make();
  cluster.up();
  await cluster.ready();
});

afterAll(() => cluster.remove());

describe('values', () => {
  it('are written and read, data on stdout, words on stderr', async () => {
    const put = await run(['put', 'greeting', 'hello']);
    expect(put).toMatchObject({ status: 0, stdout: '' });
    expect(put.stderr).toMatch(/^written: revision \d+, term \d+, acknowledged at quorum, on [23] nodes\n$/);
    expect(await run(['get', 'greeting'])).toMatchObject({ status: 0, stdout: 'hello\n', stderr: '' });
    const json = JSON.parse((await run(['get', 'greeting', '--json', '--consistency', 'eventual'])).stdout);
    expect(json).toMatchObject({ key: 'greeting', value: 'hello', encoding: 'utf8', keyEncoding: 'utf8' });
    expect(json.servedBy).toMatch(/^n[123]$/);
  });

  it('reach the level that is asked for, and say so', async () => {
    const { stdout } = await run(['put', 'everywhere', 'x', '--ack', 'all', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ ack: 'all', copies: 3, repeated: false });
  });

  it('that are no text come and go whole', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    expect(await run(['put', 'bin', '-'], { stdin: bytes })).toMatchObject({ status: 0 });
    expect((await run(['get', 'bin', '--raw'])).bytes).toEqual(bytes);
    expect((await run(['get', 'bin', '--encoding', 'hex'])).stdout).toBe('00ff0a0d80\n');
    const plain = await run(['get', 'bin']);
    expect(plain).toMatchObject({ status: 2, stdout: '' });
    expect(plain.stderr).toContain('--encoding');
    expect(JSON.parse((await run(['get', 'bin', '--json'])).stdout)).toMatchObject({ encoding: 'base64' });
    writeFileSync(join(cluster.directory, 'value'), bytes);
    await run(['put', 'file', '--file', 'value']);
    expect((await run(['get', 'file', '--encoding', 'base64'])).stdout).toBe(`${bytes.toString('base64')}\n`);
    await run(['put', 'ff', '6869', '--encoding', 'hex', '--key-encoding', 'hex']);
    expect((await run(['get', '/w==', '--key-encoding', 'base64'])).stdout).toBe('hi\n');
    await run(['del', 'ff', '--key-encoding', 'hex']);
  });

  it('may begin with a dash', async () => {
    await run(['put', '--', '-k', '-v']);
    expect((await run(['get', '--', '-k'])).stdout).toBe('-v\n');
  });

  it('that are not there print nothing and end with 1', async () => {
    expect(await run(['get', 'nothing'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'there is no such key\n',
    });
  });
});

describe('conditions', () => {
  it('hold or nothing is written, with the revision that is there', async () => {
    const first = await run(['put', 'cas', '1', '--if-absent', '--json']);
    const { revision } = JSON.parse(first.stdout);
    const again = await run(['put', 'cas', '2', '--if-absent']);
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toMatch(/^HOLDFAST_CONFLICT: /);
    expect(again.stderr).toContain(`revision ${revision}`);
    expect(await run(['put', 'cas', '2', '--if-revision', String(revision)])).toMatchObject({ status: 0 });
    expect(await run(['del', 'cas', '--if-revision', String(revision)])).toMatchObject({ status: 1 });
    expect((await run(['get', 'cas'])).stdout).toBe('2\n');
  });

  it('of a batch hold for all of it', async () => {
    const lines = 'put b1 one\n{"type":"put","key":"greeting","value":"no","ifAbsent":true}\n';
    expect(await run(['batch'], { stdin: lines })).toMatchObject({ status: 1 });
    expect(await run(['get', 'b1'])).toMatchObject({ status: 1 });
    expect(await run(['batch'], { stdin: 'put b1 one\nput b2 two words\ndel b3' })).toMatchObject({
      status: 0,
    });
    expect((await run(['get', 'b2'])).stdout).toBe('two words\n');
  });
});

describe('a transaction', () => {
  const transaction = JSON.stringify({
    if: [
      { key: 't:n', absent: true },
      { key: 't:guard', revision: 0 },
    ],
    then: [
      { type: 'put', key: 't:n', value: '5' },
      { type: 'increment', key: 't:n', by: 2 },
      { type: 'get', key: 't:n' },
      { type: 'del', key: 't:x' },
    ],
    else: [
      { type: 'get', key: 't:n' },
      { type: 'get', key: 't:x' },
    ],
  });

  it('prints what each step of the branch that ran came to; else ends with 1', async () => {
    const first = await run(['txn'], { stdin: transaction });
    expect(first).toMatchObject({
      status: 0,
      stdout: 'put\tt:n\nincrement\tt:n\t7\nget\tt:n\t7\ndel\tt:x\n',
    });
    expect(first.stderr).toMatch(/^then ran: revision \d+, term \d+, acknowledged at quorum\n$/);
    const again = await run(['txn'], { stdin: transaction });
    expect(again).toMatchObject({ status: 1, stdout: 'get\tt:n\t7\nget\tt:x\n' });
    const json = await run(['txn', '--json', '--encoding', 'hex'], {
      stdin: '{"if":[{"key":"t:n","value":"37"}],"then":[{"type":"get","key":"t:n"}]}',
    });
    expect(JSON.parse(json.stdout)).toMatchObject({
      branch: 'then',
      ack: 'quorum',
      steps: [{ type: 'get', key: 't:n', value: '37' }],
    });
  });

  it('that ran and read what it cannot print does not end like one that did nothing', async () => {
    await run(['put', 't:bytes', 'ff', '--encoding', 'hex']);
    const stdin = '{"then":[{"type":"put","key":"t:ran","value":"yes"},{"type":"get","key":"t:bytes"}]}';
    const unprintable = await run(['txn'], { stdin });
    expect(unprintable).toMatchObject({ status: 4, stdout: '' });
    expect(unprintable.stderr).toMatch(/^HOLDFAST_INVALID_ARGUMENT: the transaction ran, /);
    expect((await run(['get', 't:ran'])).stdout).toBe('yes\n');
  });

  it.each([
    ['what is not JSON', 'if a then b'],
    ['a list', '[]'],
    ['an unknown part', '{"when":[]}'],
    ['an unknown field', '{"then":[{"type":"del","key":"a","ifRevision":1}]}'],
    ['an unknown type', '{"then":[{"type":"move","key":"a"}]}'],
    ['a number for a key', '{"if":[{"key":1,"absent":true}]}'],
    ['nothing to do', '{}'],
  ])('refuses %s', async (_, stdin) => {
    const refused = await run(['txn'], { stdin });
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^HOLDFAST_INVALID_ARGUMENT: /);
  });
});

it('counts', async () => {
  expect((await run(['incr', 'visits'])).stdout).toBe('1\n');
  expect((await run(['incr', 'visits', '41'])).stdout).toBe('42\n');
  expect((await run(['incr', 'visits', '-2'])).stdout).toBe('40\n');
  const wrong = await run(['incr', 'greeting']);
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/^HOLDFAST_NOT_AN_INTEGER: /);
});

describe('a scan', () => {
  beforeAll(async () => {
    const lines = ['put s:1 one', 'put s:2 two', 'put s:3 three', 'put s:4 a\tb'];
    await run(['batch'], { stdin: lines.join('\n') });
  });

  it('prints keys and values in order, within its bounds', async () => {
    expect((await run(['scan', '--prefix', 's:'])).stdout).toBe(
      's:1\tone\ns:2\ttwo\ns:3\tthree\ns:4\ta\\tb\n',
    );
    expect((await run(['scan', '--gt', 's:1', '--lte', 's:3', '--keys-only'])).stdout).toBe('s:2\ns:3\n');
    expect((await run(['scan', '--gte', 's:1', '--lt', 's:9', '--reverse', '--limit', '1'])).stdout).toBe(
      's:4\ta\\tb\n',
    );
    expect((await run(['scan', '--prefix', 's:', '--limit', '1', '--json'])).stdout).toBe(
      '{"key":"s:1","keyEncoding":"utf8","value":"one","encoding":"utf8"}\n',
    );
    expect(await run(['scan', '--prefix', 'none'])).toMatchObject({ status: 0, stdout: '' });
  });

  it('says whose value or which key it cannot print', async () => {
    await run(['put', 'u:1', 'one']);
    await run(['put', 'u:2\t', 'ff', '--encoding', 'hex']);
    const stopped = await run(['scan', '--prefix', 'u:']);
    expect(stopped).toMatchObject({ status: 2, stdout: 'u:1\tone\n' });
    expect(stopped.stderr).toMatch(/: the value of u:2\\t is no text in UTF-8: give --encoding hex/);
    expect((await run(['get', 'u:2\t'])).stderr).toMatch(/: the value of u:2\\t is no text/);
    await run(['put', '753aff', 'x', '--key-encoding', 'hex']);
    const key = await run(['scan', '--prefix', 'u:', '--keys-only']);
    expect(key.stderr).toMatch(/: the key 753aff in hex is no text in UTF-8: give --key-encoding hex/);
    expect((await run(['scan', '--prefix', 'u:', '--json'])).stdout.split('\n')).toHaveLength(4);
  });

  it('leaves out what Holdfast keeps for itself', async () => {
    await run(['put', '0000686f6c64666173742f78', 'mark', '--key-encoding', 'hex']);
    await run(['put', '00686f6c64666173742f78', 'mark', '--key-encoding', 'hex']);
    expect((await run(['scan', '--lt', '!', '--json'])).stdout).toContain('\\u0000\\u0000holdfast/x');
    expect((await run(['scan', '--lt', '!', '--json'])).stdout).not.toContain('"\\u0000holdfast/x');
    expect((await run(['scan', '--lt', '!', '--json', '--reserved'])).stdout).toContain('"\\u0000holdfast/x');
  });

  it('ends without a word when its reader does', async () => {
    const lines = Array.from({ length: 2000 }, (_, at) => `put many:${at} ${'v'.repeat(500)}`);
    await run(['batch'], { stdin: lines.join('\n') });
    const scan = spawnHoldfast(['scan', '--prefix', 'many:'], cluster.directory);
    let words = '';
    scan.stderr?.on('data', (text) => {
      words += text;
    });
    scan.stdout?.once('data', () => scan.stdout?.destroy());
    const status = await new Promise((resolve) => scan.once('close', resolve));
    expect([status, words]).toEqual([0, '']);
  });
});

describe('namespaces', () => {
  const keyOf = (name: string, key: string) =>
    Buffer.concat([Buffer.from('\u0000n'), Buffer.of(Buffer.byteLength(name)), Buffer.from(name + key)]);
  const putIn = (name: string, key: string) =>
    run(['put', keyOf(name, key).toString('hex'), 'v', '--key-encoding', 'hex']);

  it('are listed one a line, however many keys they hold', async () => {
    await Promise.all([putIn('carts', 'a'), putIn('carts', 'b'), putIn('cart', 'sa'), putIn('é\t', '')]);
    // Below the tag, and yet of no namespace.
    for (const stray of ['006e', '006e05', '006e0561', '006e00', '006e02ffff'])
      await run(['put', stray, 'v', '--key-encoding', 'hex']);
    expect(await run(['namespace', 'list'])).toMatchObject({
      status: 0,
      stdout: 'é\\t\ncart\ncarts\n',
    });
    expect((await run(['namespace', 'list', '--json'])).stdout.split('\n')[1]).toBe('{"namespace":"cart"}');
  });

  it('are dropped with --yes, each by itself', async () => {
    const asked = await run(['namespace', 'drop', 'carts']);
    expect(asked).toMatchObject({ status: 2, stdout: '' });
    expect(asked.stderr).toContain('--yes');
    expect(await run(['namespace', 'drop', 'carts', '--yes'])).toMatchObject({ status: 0, stdout: '' });
    expect((await run(['namespace', 'list'])).stdout).toBe('é\\t\ncart\n');
    expect((await run(['get', 'greeting'])).stdout).toBe('hello\n');
    expect(await run(['namespace', 'drop', 'carts', '--yes'])).toMatchObject({ status: 1, stdout: '' });
  });
});

describe('locks', () => {
  const spawned = (...args: string[]) => {
    const child = spawnHoldfast(args, cluster.directory);
    const seen = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        seen[stream] += text;
      });
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, seen, ended };
  };

  it('are held while a command runs, which is told the token and gives the status', async () => {
    const script = 'console.log(Number(process.env.HOLDFAST_LOCK_TOKEN) > 0); process.exit(7)';
    const command = ['--', process.execPath, '-e', script];
    const ran = spawned('lock', 'job', ...command);
    expect([await ran.ended, ran.seen]).toEqual([7, { stdout: 'true\n', stderr: '' }]);
    const { nodes } = cluster.file;
    const db = new Holdfast(nodes.map(({ port }) => `ws://127.0.0.1:${port}`));
    const held = await db.lock('job');
    expect(await run(['lock', 'job', '--no-wait', ...command])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'another holds the lock job\n',
    });
    expect(await run(['lock', 'job', '--wait', '50ms', ...command])).toMatchObject({ status: 4, stdout: '' });
    await held.release();
    expect(await run(['lock', 'job', '--', 'no-such-command'])).toMatchObject({ status: 2, stdout: '' });
    expect((await db.tryLock('job'))?.held).toBe(true);
    await db.close();
  });

  it('and offices are held until Ctrl-C, and leaders are told', async () => {
    const leaders = spawned('elect', 'cron');
    await cluster.until('nobody to be told', () => leaders.seen.stdout === '\n');
    const candidate = spawned('elect', 'cron', 'worker-1');
    await cluster.until('the leader to be told', () => leaders.seen.stdout === '\nworker-1\n');
    candidate.child.kill('SIGINT');
    expect(await candidate.ended).toBe(0);
    expect(candidate.seen.stdout).toMatch(/^\d+\n$/);
    await cluster.until('nobody to be told', () => leaders.seen.stdout === '\nworker-1\n\n');
    leaders.child.kill('SIGINT');
    expect(await leaders.ended).toBe(0);
  });
});

describe('sagas', () => {
  const order = saga<{ cents: number }>('order')
    .step('reserve', {
      run: () => ({ seat: 7 }),
      compensate: () => {
        throw Object.assign(new Error('gone'), { retryable: false, code: 'GONE' });
      },
    })
    .step('charge', {
      run: () => {
        throw Object.assign(new Error('no\nfunds'), { retryable: false });
      },
    });

  it('are listed, shown, aborted and resumed', async () => {
    const db = new Holdfast(`ws://127.0.0.1:${cluster.file.nodes[0]!.port}`, { namespace: 'shop' });
    const sagas = new Sagas(db);
    await sagas.run(order, '1', { cents: 5 }).catch(() => undefined);
    await sagas.start(order, '2', { cents: 6 });
    const shop = ['--namespace', 'shop'];
    expect(await run(['saga', 'list'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'there are no such sagas\n',
    });
    const { stdout } = await run(['saga', 'list', ...shop]);
    expect(stdout).toMatch(
      /^type +id +state +step +changed +failure\norder +1 +stuck +reserve +\S+Z +reserve: GONE: gone\n/,
    );
    expect(stdout).toMatch(/\norder +2 +running +reserve +\S+Z\n$/);
    const [line = ''] = (await run(['saga', 'list', '--state', 'running', '--json', ...shop])).stdout.split(
      '\n',
    );
    expect(JSON.parse(line)).toMatchObject({ id: '2', state: 'running', input: { cents: 6 } });
    const shown = (await run(['saga', 'show', 'order', '1', ...shop])).stdout;
    expect(shown).toContain('state     stuck\ninput     {"cents":5}\nfailure   charge: no\\nfunds\n');
    expect(shown).toMatch(/\nstep +state +result\nreserve +done +\{"seat":7\}\ncharge +undone\n$/);
    expect((await run(['saga', 'abort', 'order', '2', '--reason', 'no more', ...shop])).status).toBe(0);
    expect((await run(['saga', 'abort', 'order', '2', ...shop])).status).toBe(1);
    expect((await run(['saga', 'show', 'order', '2', ...shop])).stdout).toContain('abort     no more\n');
    expect((await run(['saga', 'resume', 'order', '1', ...shop])).status).toBe(0);
    expect((await run(['saga', 'resume', 'order', '1', ...shop])).status).toBe(1);
    expect(await run(['saga', 'show', 'order', '3', ...shop])).toMatchObject({ status: 1, stdout: '' });
    expect((await run(['saga', 'list', '--state', 'lost', ...shop])).status).toBe(2);
    await db.close();
  });
});

it('finds the cluster by an address too, and from further down', async () => {
  const { port } = cluster.file.nodes[1]!;
  const url = ['--url', `127.0.0.1:${port}`];
  expect((await run(['get', 'greeting', ...url], { directory: '/' })).stdout).toBe('hello\n');
  const env = { HOLDFAST_URL: `ws://127.0.0.1:${port}` };
  expect((await run(['get', 'greeting'], { directory: '/', env })).stdout).toBe('hello\n');
  expect((await run(['get', 'greeting'], { directory: cluster.place })).stdout).toBe('hello\n');
  // One address is enough to see all nodes.
  const { stdout } = await run(['status', '--json', ...url], { directory: '/' });
  expect(stdout.trim().split('\n')).toHaveLength(3);
});

it('puts a load on it, and finds every write again', async () => {
  const { status, stdout } = await run(['load', '--rate', '200', '--duration', '1500ms', '--json']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const summary = events.at(-1);
  expect(summary).toMatchObject({ kind: 'summary', ok: true, failed: 0, unknown: 0, staleReads: 0 });
  expect(summary.acknowledged.quorum).toBeGreaterThan(20);
  expect(summary.fates.survived).toBe(summary.acknowledged.quorum);
  expect(events.some(({ kind }) => kind === 'second')).toBe(true);
  expect(status).toBe(0);
  expect((await run(['scan', '--prefix', 'load/'])).stdout).toBe('');
});

it('knows no diverged entry of a strange name', async () => {
  expect(await run(['divergence', 'list'])).toMatchObject({ status: 0 });
  const show = await run(['divergence', 'show', 'default.999999.1']);
  expect(show.status).toBe(1);
  expect(show.stderr).toMatch(/^HOLDFAST_DIVERGENCE_NOT_FOUND: .*\nholdfast divergence list/);
});
