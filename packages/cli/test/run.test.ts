import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { runHere } from './support/capture.ts';

const COMMANDS = [
  ...['up', 'kill', 'pause', 'resume', 'start', 'stop', 'switchover', 'status', 'events', 'load'],
  ...['get', 'put', 'del', 'incr', 'batch', 'scan', 'node', 'config'],
  ...['divergence list', 'divergence show', 'divergence reapply', 'divergence discard'],
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
    expect(stderr).toContain('Examples:');
  });
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

  it('is a table without --json', async () => {
    const { stdout } = await runHere(['config', '--id', 'n1', '--data', '/d']);
    expect(stdout).toMatch(/^option +value +from\nid +n1 +flag --id\n/);
  });
});
