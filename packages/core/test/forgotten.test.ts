import { describe, expect, test } from 'vitest';
import { Script } from './support/script.ts';

describe('who was answered at its deadline is forgotten', () => {
  test('writes for all, while a voter is down', () => {
    const script = new Script();
    script.run('cluster nodes=3 primary=n1 session=s', 'crash n3');
    for (let round = 0; round < 20; round++) {
      const told = script.run('propose n1 s put a=1 ack=all ms=100', 'run 200');
      expect(told).toContain('HOLDFAST_ACK_NOT_REACHED');
    }
    const { office } = script.core('n1');
    expect(office?.answers.awaited).toBe(0);
    // One that may yet have its answer waits on, beside one that had it.
    script.run('propose n1 s put b=1 ack=all ms=100', 'propose n1 s put c=1 ack=all ms=5000', 'run 200');
    expect(office?.answers.awaited).toBe(1);
    expect(script.run('restart n3', 'run 500')).toContain('ack=all copies=3');
    expect(office?.answers.awaited).toBe(0);
  });

  test('reads of a primary whose opening entry is not committed', () => {
    const script = new Script();
    script.run('cluster nodes=3 primary=n1 session=s', 'crash n1', 'elect n2', 'hold n3 persist');
    for (let round = 0; round < 20; round++) {
      const told = script.run('read n2 a ms=50', 'read n2 b ms=50', 'run 100');
      expect(told).toContain('HOLDFAST_DEADLINE_EXCEEDED');
    }
    const { office, reads } = script.core('n2');
    expect(office?.admitting).toBe(false);
    expect(reads.pending).toBe(0);
    expect(reads.early).toBe(0);
    script.run('read n2 a ms=5000');
    expect(script.run('unhold n3 persist', 'run 200')).toContain('n2 serve');
  });
});

test('sessions that somebody made up are not kept, before a primary admits writes nor after', () => {
  const script = new Script();
  script.run('cluster nodes=3 primary=n1 session=s', 'crash n1', 'elect n2', 'hold n3 persist');
  const { office } = script.core('n2');
  for (let round = 0; round < 20; round++) script.run(`propose n2 9.9.${round} put a=1 ms=50`);
  script.run('propose n2 s put a=1', 'run 100');
  expect(office?.admitting).toBe(false);
  expect(office?.sessionsHeard).toBe(0);
  script.run('unhold n3 persist', 'run 200');
  expect(office?.admitting).toBe(true);
  for (let round = 0; round < 20; round++)
    expect(script.run(`propose n2 9.9.${round} put a=1`)).toContain('HOLDFAST_SESSION_EXPIRED');
  script.run('propose n2 s put a=2');
  expect(office?.sessionsHeard).toBe(1);
});
