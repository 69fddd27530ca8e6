import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeDisk } from '../src/index.ts';

let directory: string;
const disk = new NodeDisk();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

type Callback = (error: NodeJS.ErrnoException | null, result?: unknown) => void;

/** Puts something between the disk and one function of node:fs. */
function intercept(
  name: 'write' | 'read' | 'fdatasync',
  instead: (args: unknown[], done: Callback) => void,
): void {
  vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
    instead(args, args.at(-1) as Callback);
  }) as never);
}

/** Small writes are made on the event loop. */
function interceptInlineWrites(instead: (args: unknown[]) => number): void {
  vi.spyOn(fs, 'writeSync').mockImplementation(((...args: unknown[]) => instead(args)) as never);
}

describe('NodeDisk', () => {
  it('gives up on a directory that its file system will not have', async () => {
    await expect(disk.makeDirectory('/proc/holdfast/data')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('reads into memory that it is given, if that is long enough', async () => {
    const file = await disk.open(join(directory, 'file'), { create: true });
    await file.write(0, Buffer.from('holdfast'));
    const memory = new Uint8Array(6);
    const read = await file.read(4, 6, memory);
    expect(Buffer.from(read).toString()).toBe('fast');
    expect(read.buffer).toBe(memory.buffer);
    expect(Buffer.from(await file.read(0, 8, memory)).toString()).toBe('holdfast');
    expect(Buffer.from(memory.subarray(0, 4)).toString()).toBe('fast');
    await file.close();
  });

  it('goes on after short writes and short reads', async () => {
    const path = join(directory, 'file');
    const file = await disk.open(path, { create: true });
    const { write, writeSync, read } = fs;
    const cut = (call: typeof write | typeof read) => (args: unknown[]) => {
      args[3] = Math.min(args[3] as number, (args[3] as number) > 1000 ? 100_000 : 7);
      (call as (...args: unknown[]) => void)(...args);
    };
    intercept('write', cut(write));
    interceptInlineWrites((args) => {
      args[3] = Math.min(args[3] as number, 7);
      return (writeSync as (...args: unknown[]) => number)(...args);
    });
    intercept('read', cut(read));
    const bytes = Buffer.from('a sentence of more than seven bytes');
    await file.write(3, bytes);
    expect(Buffer.from(await file.read(3, 100)).toString()).toBe(bytes.toString());
    const large = Buffer.alloc(600_000, 'large ');
    await file.write(3 + bytes.length, large);
    await file.close();
    expect((await readFile(path)).subarray(3).equals(Buffer.concat([bytes, large]))).toBe(true);
  });

  it.each([
    ['ENOSPC', 'ENOSPC'],
    ['EDQUOT', 'ENOSPC'],
    ['EIO', 'EIO'],
    ['EROFS', 'EROFS'],
    ['EPERM', 'EACCES'],
    ['EMFILE', 'OTHER'],
  ])('tells %s as %s, with the system’s own error as the cause', async (errno, code) => {
    const path = join(directory, 'file');
    const file = await disk.open(path, { create: true });
    const error = Object.assign(new Error(`${errno}: it failed`), { code: errno });
    intercept('fdatasync', (_args, done) => done(error));
    intercept('write', (_args, done) => done(error));
    interceptInlineWrites(() => {
      throw error;
    });
    await expect(file.sync()).rejects.toMatchObject({ name: 'DiskError', code, path, cause: error });
    for (const bytes of [Buffer.from('x'), Buffer.alloc(300_000)]) {
      await expect(file.write(0, bytes)).rejects.toMatchObject({
        code,
        message: `${errno}: it failed: ${path}`,
      });
    }
    await file.close();
  });

  it('closes only after what is under way has ended', async () => {
    const file = await disk.open(join(directory, 'file'), { create: true });
    let finish: Callback = () => {};
    intercept('fdatasync', (_args, done) => {
      finish = done;
    });
    const order: string[] = [];
    const sync = file.sync().then(() => order.push('synced'));
    const close = file.close().then(() => order.push('closed'));
    await disk.stat(directory);
    expect(order).toEqual([]);
    finish(null);
    await Promise.all([sync, close]);
    expect(order).toEqual(['synced', 'closed']);
  });

  it('asks the kernel for fdatasync of files and fsync of directories', async () => {
    const program = `
      const { NodeDisk } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
      const disk = new NodeDisk();
      const file = await disk.open('file', { create: true });
      await file.write(0, new Uint8Array(10));
      await file.sync();
      await file.close();
      await disk.syncDirectory('.');`;
    const trace = join(directory, 'trace');
    const strace = ['-f', '-y', '-e', 'trace=fsync,fdatasync,pwrite64', '-o', trace];
    const child = spawn('strace', [...strace, process.execPath, '--input-type=module', '-e', program], {
      cwd: directory,
    });
    const status = await new Promise((resolve, reject) => {
      child.on('exit', resolve);
      child.on('error', reject);
    });
    expect(status).toBe(0);
    const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes(directory));
    const pattern = /(pwrite64|fdatasync|fsync)\(\d+<[^>]*holdfast-disk-[^/>]*(\/file)?>/;
    expect(calls.map((line) => pattern.exec(line)?.slice(1).join(' ').trim())).toEqual([
      'pwrite64 /file',
      'fdatasync /file',
      'fsync',
    ]);
  });
});
