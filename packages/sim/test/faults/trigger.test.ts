import type { Effect, Input } from '@holdfast/core';
import { nodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { Triggers } from '../../src/faults/trigger.ts';

const n1 = nodeId('n1');
const tick: Input = { kind: 'tick' };
const asks = { kind: 'send', to: nodeId('n2'), message: { kind: 'vote', term: 1 } } as unknown as Effect;

test('who waits is told of the first time only, and where it was', () => {
  const triggers = new Triggers();
  const told: string[] = [];
  triggers.once('asksForVotes', (node) => told.push(node));
  triggers.onStep(n1, tick, []);
  triggers.onStep(n1, tick, [asks, asks]);
  triggers.onStep(nodeId('n3'), tick, [asks]);
  expect(told).toEqual(['n1']);
});

test('who waits again while it is told is told the next time', () => {
  const triggers = new Triggers();
  let times = 0;
  const again = (): void => {
    times += 1;
    triggers.once('truncated', again);
  };
  again();
  triggers.happened('truncated', n1);
  triggers.happened('truncated', n1);
  expect(times).toBe(3);
});

test('who does not wait any more is not told', () => {
  const triggers = new Triggers();
  triggers.once('truncated', () => expect.unreachable())();
  triggers.happened('truncated', n1);
});
