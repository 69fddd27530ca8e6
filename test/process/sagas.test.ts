import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Holdfast } from '@holdfast/client';
import { SagaRegister } from '@holdfast/client/sagas';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../../scripts/support/workspace.ts';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const TAKEN_BACK = join(ROOT, 'test/support/sagas/taken-back-process.ts');
const SHOP = join(ROOT, 'docs/examples/order-saga/shop.ts');
const NAMESPACES = ['stock', 'payments', 'parcels', 'orders'] as const;

test('an order is finished by another process when its own is killed, and the primary too', async () => {
  const cluster = await startTestCluster();
  const location = cluster.urls.join(',');
  const shop = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [SHOP, location, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const [stock, payments, parcels, orders] = NAMESPACES.map(
    (namespace) => new Holdfast<string, string>(location, { namespace }),
  ) as [Holdfast, Holdfast, Holdfast, Holdfast];
  const register = new SagaRegister(orders);
  await stock.put('lamp', '2');

  const first = shop('order', '1', 'lamp', '4900');
  await waitUntil('the first order to be charged', async () => {
    const record = await register.get('order', '1');
    return record?.steps.at(-1)?.name === 'charge';
  });
  first.kill('SIGKILL');
  await once(first, 'exit');
  await cluster.kill(await cluster.primary());
  const worker = shop('work');
  await waitUntil('the first order to be finished', async () => {
    const record = await register.get('order', '1');
    return record?.state === 'completed';
  });
  expect([await stock.get('lamp'), await payments.get('1'), await parcels.get('1')]).toEqual([
    '1',
    '4900',
    'lamp',
  ]);

  const told = await Promise.all(
    ['2', '3'].map(async (id) => {
      const customer = shop('order', id, 'lamp', '4900');
      let words = '';
      customer.stdout!.on('data', (text) => (words += text));
      await once(customer, 'close');
      return words;
    }),
  );
  expect(told.toSorted()).toEqual([
    expect.stringMatching(/^order [23] is on its way\n$/),
    expect.stringMatching(/^the saga "[23]" of type order was taken back: no lamp left\n$/),
  ]);
  expect(await stock.get('lamp')).toBe('0');
  const paid = [await payments.get('2'), await payments.get('3')].map((cents) => Number(cents ?? 0));
  expect(paid.toSorted()).toEqual([0, 4900]);
  worker.kill('SIGTERM');
  expect(await once(worker, 'exit')).toEqual([0, null]);
  await Promise.all([stock, payments, parcels, orders].map((database) => database.close()));
});

test('what a killed process was taking back another takes back to its end, nothing of it twice', async () => {
  const cluster = await startTestCluster();
  const location = cluster.urls.join(',');
  const begin = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [TAKEN_BACK, location, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const effects = new Holdfast<string, string>(location, { namespace: 'effects' });
  const sagas = new Holdfast<string, string>(location, { namespace: 'sagas' });
  const register = new SagaRegister(sagas);

  const first = begin('run', '1');
  await waitUntil(
    'a compensation to have had its effect',
    async () => (await effects.get('run 1')) !== undefined,
  );
  expect(await register.get('taken-back', '1')).toMatchObject({ state: 'compensating' });
  expect([await effects.get('first'), await effects.get('second')]).toEqual(['1', '0']);
  first.kill('SIGKILL');
  await once(first, 'exit');
  await cluster.kill(await cluster.primary());

  begin('work');
  await waitUntil('the saga to be taken back', async () => {
    const record = await register.get('taken-back', '1');
    return record?.state === 'compensated';
  });
  // The other process has called it again.
  expect(await effects.get('work 1')).toBe('second');
  expect([await effects.get('first'), await effects.get('second')]).toEqual(['0', '0']);
  const { steps, failure } = (await register.get('taken-back', '1'))!;
  expect(steps).toMatchObject([
    { name: 'first', state: 'undone' },
    { name: 'second', state: 'undone', tenures: 2 },
    { name: 'third', state: 'undone' },
  ]);
  expect(failure).toMatchObject({ step: 'third', message: 'there is no third' });
  await Promise.all([effects.close(), sagas.close()]);
});
