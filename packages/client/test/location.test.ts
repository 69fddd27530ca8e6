import { describe, expect, test } from 'vitest';
import { Holdfast } from '../src/index.ts';
import { parseLocation } from '../src/location.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

describe('a location', () => {
  test.each([
    ['ws://a:1', ['ws://a:1']],
    ['ws://a:1,ws://b:2', ['ws://a:1', 'ws://b:2']],
    [
      ['ws://a:1', 'wss://b:2/'],
      ['ws://a:1', 'wss://b:2'],
    ],
    [
      ['ws://a:1, ws://b:2', 'ws://a:1'],
      ['ws://a:1', 'ws://b:2'],
    ],
  ])('%j names nodes', (given, seeds) => {
    expect(parseLocation(given)).toEqual({ seeds, database: 'default', settings: {} });
  });

  test.each([
    ['holdfast://n1', ['ws://n1:7101'], 'default', {}],
    ['holdfast://n1:7200,n2,n1:7200/', ['ws://n1:7200', 'ws://n2:7101'], 'default', {}],
    ['holdfast://[::1]:7102,[::1]/orders', ['ws://[::1]:7102', 'ws://[::1]:7101'], 'orders', {}],
    [
      'holdfast://n1/orders?namespace=a%2Fb%20%E2%82%AC%2C=&ack=all&timeoutMs=250',
      ['ws://n1:7101'],
      'orders',
      { namespace: 'a/b €,=', ack: 'all', timeoutMs: 250 },
    ],
    ['holdfast://n1?consistency=session', ['ws://n1:7101'], 'default', { consistency: 'session' }],
    ['holdfast://n1?lazy=true', ['ws://n1:7101'], 'default', { lazy: true }],
    ['holdfast://n1?lazy=false', ['ws://n1:7101'], 'default', { lazy: false }],
  ])('%s names nodes, database and options', (given, seeds, database, settings) => {
    expect(parseLocation(given)).toEqual({ seeds, database, settings });
    expect(parseLocation([given])).toEqual({ seeds, database, settings });
  });

  test.each([
    [''],
    [[]],
    ['http://n1:7100'],
    ['n1:7100'],
    ['ws://n1:7100?x=1'],
    ['ws://user@n1:7100'],
    [[7 as never]],
    [['holdfast://n1', 'ws://n2:1']],
    ['ws://n2:1,holdfast://n1'],
    ['holdfast://'],
    ['holdfast:///orders'],
    ['holdfast://n1,,n2'],
    ['holdfast://user@n1'],
    ['holdfast://n1:x'],
    ['holdfast://n1:70000'],
    ['holdfast://n1/a/b'],
    ['holdfast://n1/%zz'],
    ['holdfast://n1#part'],
    ['holdfast://n1?colour=red'],
    ['holdfast://n1?seams=1'],
    ['holdfast://n1?ack=all&ack=all'],
    ['holdfast://n1?namespace=%ff'],
    ['holdfast://n1?namespace='],
    ['holdfast://n1?ack=some'],
    ['holdfast://n1?timeoutMs=soon'],
    ['holdfast://n1?timeoutMs='],
    ['holdfast://n1?lazy'],
    ['holdfast://n1?lazy=1'],
    ['holdfast://n1?Lazy=true'],
  ])('%j is refused by the constructor', (given) => {
    expect(() => new Holdfast(given)).toThrow(expect.objectContaining({ code: 'HOLDFAST_INVALID_ARGUMENT' }));
  });
});

test('what a location says holds for the database, unless an option says otherwise', async () => {
  const world = await World.start();
  const acks: string[] = [];
  world.cluster.onWrite = (_, { ack }) => void acks.push(ack) as undefined;
  const url = ['holdfast://n1:7100,n2:7100/?namespace=a&ack=all'];
  const db = await world.opened({}, url);
  await world.drive(db.put('k', 'all'));
  const other = await world.opened({ namespace: 'b', ack: 'local', consistency: undefined }, url);
  await world.drive(other.put('k', 'local'));
  const a = await world.opened({ namespace: 'a' });
  expect(await world.drive(a.get('k'))).toBe('all');
  expect(acks).toEqual(['all', 'local']);
});

test('a database that the cluster lacks is refused', async () => {
  const world = await World.start();
  world.cluster.onHello = ({ database }) =>
    database === 'orders' ? undefined : wireError('HOLDFAST_UNKNOWN_DATABASE');
  await world.opened({}, ['holdfast://n1:7100/orders']);
  const { error } = await world.timed(world.client({}, ['holdfast://n1:7100/others']).open());
  expect(error).toMatchObject({ cause: { code: 'HOLDFAST_UNKNOWN_DATABASE' } });
});
