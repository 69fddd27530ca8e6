import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from './support/world.ts';

const EVENTS = [
  'topology',
  'primary',
  'disconnected',
  'reconnected',
  'breaker',
  'degraded',
  'diverged',
] as const;

let uncaught: unknown[];
let listeners: NodeJS.UncaughtExceptionListener[];

// Vitest would take what is thrown for a failure of the test.
beforeEach(() => {
  uncaught = [];
  listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
});

afterEach(() => {
  process.removeAllListeners('uncaughtException');
  for (const listener of listeners) process.on('uncaughtException', listener);
});

test('what listeners and loggers throw is the process’s to hear, and harms no call', async () => {
  const world = await World.start();
  const thrown: Error[] = [];
  const fail = (what: string): never => {
    const error = new Error(what);
    thrown.push(error);
    throw error;
  };
  const db = world.client({ logger: { debug: (_, message) => fail(message) }, degrade: 'stale-reads' });
  for (const event of EVENTS) db.on(event, () => fail(event));
  await world.drive(db.open());
  await world.drive(db.put('session', 'is open'));
  world.cluster.onWrite = (node) => (node.id === 'n1' ? 'executeAndDrop' : undefined);
  const calls = [db.increment('n'), db.increment('n'), db.get('session'), db.put('a', '1')];
  await world.clock.advance(20);
  world.kill('n1');
  await world.clock.advance(1500);
  const degraded = db.get('session');
  await world.clock.advance(200);
  world.cluster.elect('n2');
  expect(await world.drive(Promise.all(calls))).toMatchObject([
    { value: 1 },
    { value: 2 },
    'is open',
    undefined,
  ]);
  expect(await world.drive(degraded)).toBe('is open');
  for (const id of ['n2', 'n3']) world.network.drop('app', id);
  await world.clock.advance(50);
  expect(await world.drive(db.get('n'))).toBe('2');
  await world.drive(db.close());
  const told = thrown.map(({ message }) => message);
  expect(told).toEqual(
    expect.arrayContaining([
      'topology',
      'primary',
      'disconnected',
      'reconnected',
      'another primary',
      'redelivery',
    ]),
  );
  expect(uncaught).toEqual(thrown);
});
