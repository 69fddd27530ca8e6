import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemRandom } from '@holdfast/io';
import { DiskError, type DiskFile, nodeId } from '@holdfast/types';
import { expect, onTestFinished, test } from 'vitest';
import { DirectoryIdentity } from '../src/directory-identity.ts';

/** Takes no byte while it is full, and counts the files that are open. */
class FullDisk extends NodeDisk {
  isFull = true;
  openFiles = 0;

  override async open(...how: Parameters<NodeDisk['open']>): Promise<DiskFile> {
    const file = await super.open(...how);
    const { write, close } = { write: file.write.bind(file), close: file.close.bind(file) };
    this.openFiles += 1;
    file.write = (position, bytes) =>
      this.isFull
        ? Promise.reject(new DiskError('ENOSPC', file.path, 'no space left'))
        : write(position, bytes);
    file.close = () => {
      this.openFiles -= 1;
      return close();
    };
    return file;
  }
}

test('an identity that finds no room leaves no file open, and is made when there is some', async () => {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-identity-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const disk = new FullDisk();
  const options = { disk, random: new SystemRandom(), data, node: nodeId('n1') };
  for (let tries = 0; tries < 3; tries++)
    await expect(new DirectoryIdentity(options).open()).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(disk.openFiles).toBe(0);
  disk.isFull = false;
  const id = await new DirectoryIdentity(options).open();
  expect(await new DirectoryIdentity(options).open()).toBe(id);
  expect(disk.openFiles).toBe(0);
});
