import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/types';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { hintFor } from '../src/hints.ts';
import { runHere } from './support/capture.ts';

const COMMANDS = [
  ...['up', 'kill', 'pause', 'resume', 'start', 'stop', 'switchover', 'status', 'events', 'load'],
  ...['get', 'put', 'del', 'incr', 'batch', 'scan', 'node', 'config'],
  ...['divergence', 'divergence list', 'divergence show', 'divergence reapply', 'divergence discard'],
];

describe('help', () => {
  it.each(COMMANDS)('of %s has examples', async (command) => {
    const { status, stdout, stderr } = await runHere([...command.split(' '), '--help']);
    expect(stdout).toContain('Usage: holdfast');
    expect(stdout).toMatch(new RegExp(`Examples:\n  holdfast ${command}`));
    expect([status, stderr]).toEqual([0, '']);
  });

  it('goes to stderr when nothing was asked', async () => {
    const { status, stdout, stderr } = await runHere([]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.match(/Examples:/g)).toHaveLength(1);
  });

  it.each(['put', 'node', 'divergence list'])('of %s is what help <command> prints', async (command) => {
    const { stdout } = await runHere([...command.split(' '), '--help']);
    expect(await runHere(['help', ...command.split(' ')])).toMatchObject({ status: 0, stdout });
  });

  it('states each default once', async () => {
    const { stdout } = await runHere(['status', '--help']);
    expect(stdout.match(/default: 500/g)).toHaveLength(1);
  });
});

it('prints its version', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await runHere(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

describe('wrong usage ends with 2 and says what would be right', () => {
  it.each([
    [['gett', 'x'], 'Did you mean get?'],
    [['get'], "missing required argument 'key'"],
    [['get', 'a', 'b'], 'too many arguments'],
    [['get', 'a', '--nope'], "unknown option '--nope'"],
    [['get', 'a', '--consistency', 'strong'], 'linearizable, session, eventual'],
    [['get', 'a', '--timeout', 'soon'], 'duration such as'],
    [['put', 'a', 'b', '--if-revision', '-1'], 'whole number'],
    [['put', 'a', 'b', '--if-absent', '--if-revision', '1'], 'cannot be used with'],
    [['put', 'a', '--url', 'ws://127.0.0.1:1'], 'give a value, - for stdin, or --file'],
    [['incr', 'a', 'much'], 'whole number'],
    [['up', '--nodes', '0'], 'whole number from 1'],
    [['scan', '--prefix', 'a', '--gte', 'b', '--url', 'ws://127.0.0.1:1'], 'either --prefix or bounds'],
    [['divergence', 'discard', '--url', 'ws://127.0.0.1:1'], ''],
    [['node', '--id', 'n1'], '--data (or HOLDFAST_DATA)'],
    [['node', '--id', 'n1', '--data', 'd', '--listen', 'here'], '--listen: expected host:port'],
    [['node', '--shout'], "unknown option '--shout'"],
    [['node', '--config', '/nonexistent.json'], '/nonexistent.json cannot be read'],
    [['get', 'a'], '"holdfast up"'],
  ])('%j', async (args, words) => {
    const { status, stdout, stderr } = await runHere(args);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([status, stdout]).toEqual([args[0] === 'divergence' ? 3 : 2, '']);
  });
});

it('ends with 3 when nobody answers, with a hint', async () => {
  for (const command of [['get', 'a'], ['put', 'a', 'b'], ['scan'], ['switchover'], ['events'], ['status']]) {
    const { status, stderr } = await runHere([...command, '--url', 'ws://127.0.0.1:9', '--timeout', '300ms']);
    expect(stderr, command.join(' ')).toContain('HOLDFAST_NO_PRIMARY: ');
    expect(status, command.join(' ')).toBe(3);
  }
  const { stderr } = await runHere(['kill', 'n1']);
  expect(stderr).toMatch(/no "holdfast up" runs in .*\nholdfast status/);
});

it('has no advice for somebody who said no', () => {
  expect(hintFor(new HoldfastError('HOLDFAST_ABORTED', 'nothing was done'), 'holdfast')).toBeUndefined();
});

describe('config', () => {
  it('prints each value and where it came from', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'node.json'), JSON.stringify({ zone: 'east', defaultAck: 'all' }));
    const args = ['config', '--id', 'n1', '--data', 'data', '--config', 'node.json', '--json'];
    const { stdout, status } = await runHere(args, { directory, env: { HOLDFAST_DEFAULT_ACK: 'local' } });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const line = (key: string): object => lines.find((each) => each.key === key);
    expect(line('id')).toMatchObject({ value: 'n1', origin: 'flag --id' });
    expect(line('data')).toMatchObject({ value: join(directory, 'data') });
    expect(line('defaultAck')).toMatchObject({ value: 'local', origin: 'environment HOLDFAST_DEFAULT_ACK' });
    expect(line('zone')).toMatchObject({ value: 'east', origin: 'file node.json' });
    expect(line('heartbeatMs')).toMatchObject({ value: '50', origin: 'default', flag: '--heartbeat-ms' });
    expect(status).toBe(0);
  });

  it('shows what it understands when something is missing or wrong, and says what', async () => {
    const { status, stdout, stderr } = await runHere(['config', '--listen', 'here', '--default-ack', 'all']);
    expect(stdout).toMatch(/^id +- +not set$/m);
    expect(stdout).toMatch(/^listen +- +flag --listen$/m);
    expect(stdout).toMatch(/^default-ack +all +flag --default-ack$/m);
    expect(stderr).toMatch(/^HOLDFAST_INVALID_CONFIGURATION: the configuration has 3 problems\n/);
    expect(stderr).toContain('--listen: expected host:port');
    expect(stderr).not.toContain('holdfast config shows');
    expect(status).toBe(2);
  });

  it('is a table without --json', async () => {
    const { stdout } = await runHere(['config', '--id', 'n1', '--data', '/d']);
    expect(stdout).toMatch(/^option +value +from\nid +n1 +flag --id\n/);
  });
});
