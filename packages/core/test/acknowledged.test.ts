import { expect, test } from 'vitest';
import { Script } from './support/script.ts';

test('writes are counted by the level that they reached, as receipts state it', () => {
  const script = new Script();
  const counted = (): unknown => {
    const primary = script.core('n1');
    return primary.status(primary.context.now).acknowledged;
  };
  script.run('cluster nodes=1 primary=n1 session=s', 'propose n1 s put a=1 ack=local', 'auto');
  expect(counted()).toEqual({ local: 0, quorum: 0, all: 1 });
  // A condition that fails leaves nothing that every voter could hold: it is told when it is committed.
  script.run(
    'cluster nodes=3 primary=n1 session=s',
    'hold n3 persist',
    'propose n1 s put a=1 absent a ack=all',
  );
  script.run('run 50');
  expect(counted()).toEqual({ local: 0, quorum: 0, all: 0 });
  script.run('propose n1 s put a=2 absent a ack=all', 'propose n1 s put b=2 ack=quorum', 'run 50');
  expect(counted()).toEqual({ local: 0, quorum: 2, all: 0 });
  script.run('unhold n3 persist', 'run 50');
  expect(counted()).toEqual({ local: 0, quorum: 2, all: 1 });
});
