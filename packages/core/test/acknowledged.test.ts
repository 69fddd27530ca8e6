import { assert } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Core } from '../src/index.ts';
import { ScriptDriver } from './support/script-driver.ts';

test('writes are counted by the level that they reached, as receipts state it', () => {
  let primary: Core | undefined;
  const driver = new ScriptDriver((config, recovered, now) => {
    const core = new Core(config, recovered, now);
    if (config.self === 'n1') primary = core;
    return core;
  });
  const run = (...commands: string[]): void => {
    for (const command of commands) driver.run({ command, line: 0, comments: [], input: [], expected: '' });
  };
  const counted = (): unknown => {
    assert(primary !== undefined, 'n1 was started');
    return primary.status(primary.context.now).acknowledged;
  };
  run('cluster nodes=1 primary=n1 session=s', 'propose n1 s put a=1 ack=local', 'auto');
  expect(counted()).toEqual({ local: 0, quorum: 0, all: 1 });
  // A condition that fails leaves nothing that every voter could hold: it is told when it is committed.
  run('cluster nodes=3 primary=n1 session=s', 'hold n3 persist', 'propose n1 s put a=1 absent a ack=all');
  run('run 50');
  expect(counted()).toEqual({ local: 0, quorum: 0, all: 0 });
  run('propose n1 s put a=2 absent a ack=all', 'propose n1 s put b=2 ack=quorum', 'run 50');
  expect(counted()).toEqual({ local: 0, quorum: 2, all: 0 });
  run('unhold n3 persist', 'run 50');
  expect(counted()).toEqual({ local: 0, quorum: 2, all: 1 });
});
