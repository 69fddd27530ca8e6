import { assert } from '@holdfast/types';
import { expect, test } from 'vitest';
import type { PeerStatus } from '../../src/api.ts';
import { Core } from '../../src/index.ts';
import { ScriptDriver } from '../support/script-driver.ts';

/** A cluster of three, and what its primary says of `n3`. */
function primaryOfThree(): { run: (...commands: string[]) => void; lag: () => PeerStatus } {
  let primary: Core | undefined;
  const driver = new ScriptDriver((config, recovered, now) => {
    const core = new Core(config, recovered, now);
    if (config.self === 'n1') primary = core;
    return core;
  });
  const run = (...commands: string[]): void => {
    for (const command of commands) driver.run({ command, line: 0, comments: [], input: [], expected: '' });
  };
  run('cluster nodes=3 primary=n1 session=s');
  return {
    run,
    lag: () => {
      assert(primary !== undefined, 'n1 was started');
      return primary.status(primary.context.now).peers.find(({ id }) => id === 'n3')!;
    },
  };
}

test('a standby that has always one entry to take lags by the time that takes, however long there is one', () => {
  const { run, lag } = primaryOfThree();
  run('hold n3 persist', 'propose n1 s put a=1', 'run 10');
  for (let round = 0; round < 100; round++) {
    // The next one is logged before the answer to this one is there.
    run('persist n3', 'propose n1 s put a=1', 'run 10');
    expect(lag()).toMatchObject({ lagEntries: 1 });
    expect(lag().lagMs).toBeLessThanOrEqual(30);
  }
  run('persist n3', 'run 10');
  expect(lag()).toMatchObject({ lagEntries: 0, lagMs: 0 });
});

test('a standby that takes nothing lags by all the time since it was level', () => {
  const { run, lag } = primaryOfThree();
  run('run 500', 'hold n3 persist', 'propose n1 s put a=1', 'run 100', 'propose n1 s put a=2', 'run 400');
  expect(lag()).toMatchObject({ lagEntries: 2, lagMs: 500 });
});
