import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeDisk } from '@holdfast/io';
import { expect, test } from 'vitest';
import { lockDirectory } from '../src/index.ts';
import { temporaryDirectory } from './support/opening.ts';

const disk = new NodeDisk();
const IN_USE = { code: 'HOLDFAST_DATA_DIRECTORY_IN_USE' };

async function lockPath(): Promise<string> {
  return join(await temporaryDirectory(), 'lock');
}

test('is held by one at a time', async () => {
  const path = await lockPath();
  const first = await lockDirectory(disk, path);
  await expect(lockDirectory(disk, path)).rejects.toMatchObject(IN_USE);
  await first.release();
  await (await lockDirectory(disk, path)).release();
});

test('is taken from other processes too, and ends with one that is killed', async () => {
  const path = await lockPath();
  const script = `
    import { NodeDisk } from '@holdfast/io';
    import { lockDirectory } from './src/index.ts';
    await lockDirectory(new NodeDisk(), process.argv[1]);
    console.log('locked');
    process.stdin.resume();`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await expect(lockDirectory(disk, path)).rejects.toMatchObject(IN_USE);
  const exit = once(holder, 'exit');
  holder.kill('SIGKILL');
  await exit;
  await (await lockDirectory(disk, path)).release();
});

test.each(['CURRENT', 'every file but that which is locked'])('can be had with %s damaged', async (what) => {
  const path = await lockPath();
  await (await lockDirectory(disk, path)).release();
  const names = what === 'CURRENT' ? [what] : (await readdir(path)).filter((name) => name !== 'LOCK');
  for (const name of names) await writeFile(join(path, name), Buffer.alloc(100, 7));
  const lock = await lockDirectory(disk, path);
  await expect(lockDirectory(disk, path)).rejects.toMatchObject(IN_USE);
  await lock.release();
});

test('cannot be had where no directory can be made', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'lock'), 'a file');
  await expect(lockDirectory(disk, join(directory, 'lock'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
