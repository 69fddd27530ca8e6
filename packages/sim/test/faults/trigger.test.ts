import type { Effect, Input } from '@holdfast/core';
import { nodeId } from '@holdfast/types';
import { expect, test } from 'vitest';
import { STEP_EVENTS, Triggers } from '../../src/faults/trigger.ts';
import { FaultBench } from './support.ts';

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

test('every step that a fault may wait for is told of', async () => {
  const bench = await FaultBench.formed(3);
  const { cluster, client, watch } = bench;
  const told = new Set<string>();
  for (const event of STEP_EVENTS) watch.triggers.once(event, () => told.add(event));
  await bench.write(3);
  bench.inflict({ kind: 'switchover' });
  await bench.until(() => told.has('takesOffice') && cluster.primary !== undefined);
  const { id: former } = cluster.primary!;
  for (const { id } of cluster.machines) if (id !== former) cluster.network.cut(former, id);
  await cluster.clock.drive(client.put('key', 'lost', { ack: 'local' }));
  await cluster.clock.advance(1000);
  await bench.write(1);
  cluster.network.healAll();
  await bench.until(() => told.has('truncates'));
  for (let seed = 1; seed <= 20 && !told.has('installs'); seed += 1) {
    bench.inflict({ kind: 'storeDamage', node: bench.standby.id, seed, comeback: { awayMs: 10 } });
    await cluster.clock.advance(1000);
  }
  expect([...told].sort()).toEqual([...STEP_EVENTS].sort());
});
