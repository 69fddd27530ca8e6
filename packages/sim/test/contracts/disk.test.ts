import { DiskError, type DiskFile } from '@holdfast/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WORLDS, type World } from './worlds.ts';

describe.each(WORLDS)('Disk, $name', ({ open: openWorld }) => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());

  const at = (name: string): string => `${world.directory}/${name}`;
  const settled = <Result>(promise: Promise<Result>): Promise<Result> => world.settled(promise);
  const create = (name: string): Promise<DiskFile> => settled(world.disk.open(at(name), { create: true }));
  const codeOf = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await settled(promise);
    } catch (error) {
      expect(error).toBeInstanceOf(DiskError);
      return (error as DiskError).code;
    }
    return 'no error';
  };
  const put = async (name: string, content: string): Promise<void> => {
    const file = await create(name);
    await settled(file.write(0, Buffer.from(content)));
    await settled(file.sync());
    await settled(file.close());
  };
  const get = async (name: string): Promise<string> => {
    const file = await settled(world.disk.open(at(name), { readOnly: true }));
    const bytes = await settled(file.read(0, await settled(file.size())));
    await settled(file.close());
    return Buffer.from(bytes).toString();
  };

  it('reads what was written, where it was written', async () => {
    const file = await create('file');
    expect(file.path).toBe(at('file'));
    await settled(file.write(0, Buffer.from('hello world')));
    await settled(file.write(6, Buffer.from('there')));
    await settled(file.sync());
    expect(Buffer.from(await settled(file.read(0, 11))).toString()).toBe('hello there');
    expect(Buffer.from(await settled(file.read(6, 3))).toString()).toBe('the');
    await settled(file.close());
  });

  it('reads fewer bytes only at the end', async () => {
    const file = await create('file');
    await settled(file.write(0, Buffer.from('abc')));
    expect(await settled(file.read(1, 100))).toEqual(new Uint8Array(Buffer.from('bc')));
    expect(await settled(file.read(3, 5))).toHaveLength(0);
    expect(await settled(file.read(900, 5))).toHaveLength(0);
    expect(await settled(file.read(0, 0))).toHaveLength(0);
    await settled(file.close());
  });

  it('shows zeros in holes and after growing', async () => {
    const file = await create('file');
    await settled(file.write(10_000, Buffer.from('x')));
    expect(await settled(file.size())).toBe(10_001);
    expect((await settled(file.read(0, 10_000))).every((byte) => byte === 0)).toBe(true);
    await settled(file.write(0, new Uint8Array(9000).fill(7)));
    await settled(file.truncate(5000));
    await settled(file.truncate(6000));
    const bytes = await settled(file.read(0, 9000));
    expect(bytes).toHaveLength(6000);
    expect(bytes.subarray(0, 5000).every((byte) => byte === 7)).toBe(true);
    expect(bytes.subarray(5000).every((byte) => byte === 0)).toBe(true);
    await settled(file.close());
  });

  it('writes large pieces and pieces of larger arrays whole, and keeps nothing of the caller’s array', async () => {
    const file = await create('file');
    const large = world.random.bytes(3_000_001);
    const part = large.subarray(5, 2_999_999);
    await settled(file.write(3, part));
    const expected = part.slice();
    large.fill(0);
    expect(Buffer.compare(await settled(file.read(3, 3_000_000)), expected)).toBe(0);
    expect(await settled(file.size())).toBe(3 + expected.length);
    await settled(file.write(0, new Uint8Array(0)));
    await settled(file.close());
  });

  it('creates only when asked, and exclusively when asked', async () => {
    expect(await codeOf(world.disk.open(at('missing'), {}))).toBe('ENOENT');
    expect(await codeOf(world.disk.open(at('missing'), { readOnly: true }))).toBe('ENOENT');
    expect(await codeOf(world.disk.open(at('no/such/file'), { create: true }))).toBe('ENOENT');
    await put('file', 'kept');
    expect(await codeOf(world.disk.open(at('file'), { create: true, exclusive: true }))).toBe('EEXIST');
    await settled((await create('file')).close());
    expect(await get('file')).toBe('kept');
    const fresh = await settled(world.disk.open(at('fresh'), { create: true, exclusive: true }));
    await settled(fresh.close());
  });

  it('names the path in the error', async () => {
    const failed = settled(world.disk.open(at('missing'), {}));
    await expect(failed).rejects.toMatchObject({ name: 'DiskError', path: at('missing') });
    await expect(failed).rejects.toThrow(at('missing'));
  });

  it('does not write a file opened to be read', async () => {
    await put('file', 'kept');
    const file = await settled(world.disk.open(at('file'), { readOnly: true }));
    expect(await codeOf(file.write(0, Buffer.from('x')))).toBe('OTHER');
    await settled(file.close());
    expect(await get('file')).toBe('kept');
  });

  it('tells files from directories', async () => {
    await put('file', 'x');
    await settled(world.disk.makeDirectory(at('directory')));
    expect(await settled(world.disk.stat(at('file')))).toEqual({ kind: 'file', size: 1 });
    expect((await settled(world.disk.stat(at('directory'))))?.kind).toBe('directory');
    expect(await settled(world.disk.stat(at('missing')))).toBeUndefined();
    expect(await settled(world.disk.stat(at('file/below')))).toBeUndefined();
    expect(await codeOf(world.disk.open(at('directory'), {}))).toBe('EISDIR');
    expect(await codeOf(world.disk.open(at('directory'), { readOnly: true }))).toBe('EISDIR');
    expect(await codeOf(world.disk.open(at('file/below'), { create: true }))).toBe('ENOTDIR');
    expect(await codeOf(world.disk.list(at('file')))).toBe('ENOTDIR');
    expect(await codeOf(world.disk.syncDirectory(at('file')))).toBe('ENOTDIR');
  });

  it('makes directories with their parents, once or again, not over files', async () => {
    await settled(world.disk.makeDirectory(at('a/b/c')));
    await settled(world.disk.makeDirectory(at('a/b/c')));
    await settled(world.disk.syncDirectory(at('a/b')));
    expect(await settled(world.disk.list(at('a')))).toEqual(['b']);
    await put('file', 'x');
    expect(await codeOf(world.disk.makeDirectory(at('file')))).toBe('EEXIST');
    expect(await codeOf(world.disk.makeDirectory(at('file/below')))).toBe('ENOTDIR');
    expect(await codeOf(world.disk.list(at('missing')))).toBe('ENOENT');
    expect(await codeOf(world.disk.syncDirectory(at('missing')))).toBe('ENOENT');
  });

  it('lists names in order', async () => {
    for (const name of ['b', '10', 'a', '9', 'B']) await put(name, name);
    expect(await settled(world.disk.list(world.directory))).toEqual(['10', '9', 'B', 'a', 'b']);
  });

  it('renames files over files, and directories', async () => {
    await put('old', 'old');
    await put('new', 'new');
    await settled(world.disk.rename(at('new'), at('old')));
    expect(await get('old')).toBe('new');
    expect(await settled(world.disk.list(world.directory))).toEqual(['old']);
    await settled(world.disk.makeDirectory(at('from')));
    await put('from/file', 'moved');
    await settled(world.disk.rename(at('from'), at('to')));
    expect(await get('to/file')).toBe('moved');
    expect(await codeOf(world.disk.rename(at('missing'), at('x')))).toBe('ENOENT');
    expect(await codeOf(world.disk.rename(at('old'), at('to')))).toBe('EISDIR');
    expect(await codeOf(world.disk.rename(at('to'), at('old')))).toBe('ENOTDIR');
    await settled(world.disk.makeDirectory(at('other')));
    expect(await codeOf(world.disk.rename(at('other'), at('to')))).toBe('OTHER');
    await settled(world.disk.rename(at('to'), at('other')));
    expect(await get('other/file')).toBe('moved');
  });

  it('keeps an open file through a rename', async () => {
    const file = await create('before');
    await settled(world.disk.rename(at('before'), at('after')));
    await settled(file.write(0, Buffer.from('x')));
    await settled(file.close());
    expect(await get('after')).toBe('x');
  });

  it('removes files and whole directories, missing ones too; an open file lives on', async () => {
    await settled(world.disk.makeDirectory(at('d/e')));
    await put('d/e/file', 'x');
    const file = await settled(world.disk.open(at('d/e/file'), {}));
    await settled(world.disk.remove(at('d')));
    await settled(world.disk.remove(at('d')));
    expect(await settled(world.disk.list(world.directory))).toEqual([]);
    expect(Buffer.from(await settled(file.read(0, 9))).toString()).toBe('x');
    await settled(file.close());
    await put('file', 'x');
    await settled(world.disk.remove(at('file')));
    expect(await settled(world.disk.stat(at('file')))).toBeUndefined();
  });

  it('knows how much room there is', async () => {
    expect(await settled(world.disk.freeBytes(world.directory))).toBeGreaterThan(0);
    expect(await codeOf(world.disk.freeBytes(at('missing')))).toBe('ENOENT');
  });

  it('lets operations on one file run at the same time', async () => {
    const file = await create('file');
    const writes = Array.from({ length: 50 }, (_, number) =>
      file.write(number * 100, new Uint8Array(100).fill(number)),
    );
    await settled(Promise.all(writes));
    const bytes = await settled(file.read(0, 5000));
    expect(bytes.every((byte, position) => byte === Math.floor(position / 100))).toBe(true);
    await settled(file.close());
  });

  it('does what is under way before it closes, and holds use after the close for a mistake', async () => {
    const file = await create('file');
    const write = file.write(0, Buffer.from('late'));
    await settled(Promise.all([write, file.close()]));
    expect(await get('file')).toBe('late');
    await expect((async () => file.write(0, Buffer.from('x')))()).rejects.toThrow(/close/);
    await expect((async () => file.sync())()).rejects.toThrow(/close/);
    await expect((async () => file.close())()).rejects.toThrow(/close/);
  });
});
