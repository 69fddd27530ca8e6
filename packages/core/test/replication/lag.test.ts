import { expect, test } from 'vitest';
import type { PeerStatus } from '../../src/api.ts';
import { Script } from '../support/script.ts';

/** A cluster of three, and what its primary says of `n3`. */
function primaryOfThree(): { script: Script; lag: () => PeerStatus } {
  const script = new Script();
  script.run('cluster nodes=3 primary=n1 session=s');
  return {
    script,
    lag: () => {
      const primary = script.core('n1');
      return primary.status(primary.context.now).peers.find(({ id }) => id === 'n3')!;
    },
  };
}

test('a standby that has always one entry to take lags by the time that takes, however long there is one', () => {
  const { script, lag } = primaryOfThree();
  script.run('hold n3 persist', 'propose n1 s put a=1', 'run 10');
  for (let round = 0; round < 100; round++) {
    // The next one is logged before the answer to this one is there.
    script.run('persist n3', 'propose n1 s put a=1', 'run 10');
    expect(lag()).toMatchObject({ lagEntries: 1 });
    expect(lag().lagMs).toBeLessThanOrEqual(30);
  }
  script.run('persist n3', 'run 10');
  expect(lag()).toMatchObject({ lagEntries: 0, lagMs: 0 });
});

test('a standby that takes nothing lags by all the time since it was level', () => {
  const { script, lag } = primaryOfThree();
  script.run(
    'run 500',
    'hold n3 persist',
    'propose n1 s put a=1',
    'run 100',
    'propose n1 s put a=2',
    'run 400',
  );
  expect(lag()).toMatchObject({ lagEntries: 2, lagMs: 500 });
});
