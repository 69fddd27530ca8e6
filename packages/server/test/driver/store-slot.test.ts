import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock } from '@holdfast/io';
import { expect, onTestFinished, test } from 'vitest';
import { StoreSlot } from '../../src/driver/store-slot.ts';

test('no snapshot is built in the place of the store in use, even if that was gone', async () => {
  const databaseDirectory = await mkdtemp(join(tmpdir(), 'holdfast-slot-'));
  onTestFinished(() => rm(databaseDirectory, { recursive: true, force: true }));
  const stores = await StoreSlot.lock({
    databaseDirectory,
    disk: new NodeDisk(),
    clock: new SystemClock(),
    onFailure: () => undefined,
  });
  const slot = await stores.choose('store-2');
  expect([slot.nextName(), slot.nextName()]).toEqual(['store-3', 'store-4']);
  await slot.close();
});

test('a store that is made anew is given up with the others when the start comes to nothing', async () => {
  const databaseDirectory = await mkdtemp(join(tmpdir(), 'holdfast-slot-'));
  onTestFinished(() => rm(databaseDirectory, { recursive: true, force: true }));
  const options = {
    databaseDirectory,
    disk: new NodeDisk(),
    clock: new SystemClock(),
    onFailure: () => undefined,
  };
  const stores = await StoreSlot.lock(options);
  await stores.choose('store-2');
  await stores.close();
  // The next try of the same process.
  await (await StoreSlot.lock(options)).close();
});
