import { describe, expect, it } from 'vitest';
import {
  keepMask,
  keepRandomly,
  type PendingChange,
  SimClock,
  SimDisk,
  SimRandom,
  tearRandomly,
} from '../src/index.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

async function contents(disk: SimDisk, path: string): Promise<Uint8Array | undefined> {
  if ((await disk.stat(path)) === undefined) return undefined;
  const file = await disk.open(path, { readOnly: true });
  const bytes = await file.read(0, await file.size());
  await file.close();
  return bytes;
}

/** A disk with one durable file of three sectors of 1, of which all three are then written with 2. */
async function rewritten(): Promise<{ disk: SimDisk; sync: () => Promise<void> }> {
  const disk = SimDisk.holding(new Map([['/d/file', filled(1536, 1)]]));
  const file = await disk.open('/d/file', {});
  await file.write(0, filled(1536, 2));
  return { disk, sync: () => file.sync() };
}

describe('endProcess', () => {
  it('loses nothing, brings nothing to stable storage, and answers nobody', async () => {
    const clock = new SimClock();
    const disk = new SimDisk({ clock, latencyMs: 5 });
    const file = await clock.drive(disk.open('/file', { create: true }));
    await clock.drive(file.write(0, filled(512, 1)));
    await clock.drive(file.sync());
    await clock.drive(disk.syncDirectory('/'));
    const underWay = file.write(0, filled(512, 2)).catch((error: Error) => error.message);
    disk.endProcess();
    expect(await clock.drive(underWay)).toContain('before the end of write');
    expect(await clock.drive(contents(disk, '/file'))).toEqual(filled(512, 2));
    const later = disk.afterCrash({ keep: 'synced' });
    expect(await clock.drive(contents(later, '/file'))).toEqual(filled(512, 1));
    const again = await clock.drive(disk.open('/file', {}));
    await clock.drive(again.sync());
    expect(disk.pendingChanges()).toEqual([]);
  });
});

describe('crash: file contents', () => {
  it('loses what was not synced, and keeps what was', async () => {
    const { disk, sync } = await rewritten();
    expect(await contents(disk.afterCrash({ keep: 'synced' }), '/d/file')).toEqual(filled(1536, 1));
    await sync();
    expect(disk.pendingChanges()).toEqual([]);
    disk.crash({ keep: 'synced' });
    expect(await contents(disk, '/d/file')).toEqual(filled(1536, 2));
  });

  it('keeps each subset of the sectors, none of them torn', async () => {
    const { disk } = await rewritten();
    expect(disk.pendingChanges().map((change) => change.kind)).toEqual(['sector', 'sector', 'sector']);
    const seen = new Set<string>();
    for (let mask = 0; mask < 8; mask++) {
      const bytes = (await contents(disk.afterCrash({ keep: keepMask(mask) }), '/d/file'))!;
      const sectors = [0, 1, 2].map((sector) => new Set(bytes.subarray(sector * 512, sector * 512 + 512)));
      for (const sector of sectors) expect(sector.size).toBe(1);
      expect(sectors.map((sector) => (sector.has(2) ? 1 : 0))).toEqual([
        mask & 1,
        (mask >> 1) & 1,
        (mask >> 2) & 1,
      ]);
      seen.add(sectors.map((sector) => [...sector]).join());
    }
    expect(seen.size).toBe(8);
  });

  it('may keep an older version of a sector written twice, and never mixes the two', async () => {
    const disk = SimDisk.holding(new Map([['/file', filled(512, 1)]]));
    const file = await disk.open('/file', {});
    await file.write(0, filled(300, 2));
    await file.write(200, filled(300, 3));
    const survivors = [0, 1, 2, 3].map(
      (mask) =>
        disk
          .afterCrash({ keep: keepMask(mask) })
          .snapshotState()
          .get('/file')!,
    );
    const digest = (bytes: Uint8Array): string =>
      [0, 250, 400, 511].map((position) => bytes[position]).join('');
    expect(survivors.map(digest)).toEqual(['1111', '2211', '2331', '2331']);
  });

  it('tears sectors on request: behind what got there stands what was there before', async () => {
    const disk = SimDisk.holding(new Map([['/file', filled(1024, 1)]]));
    const file = await disk.open('/file', {});
    await file.write(0, filled(1536, 2));
    await file.write(100, filled(200, 3));
    const rewrite = Math.max(
      ...disk.pendingChanges().map((change) => (change.kind === 'sector' ? change.write : 0)),
    );
    const left = disk
      .afterCrash({
        keep: (pending) => pending,
        tear: ({ sector, write }) => (write === rewrite ? 150 : sector === 1 ? 512 : 400),
      })
      .snapshotState()
      .get('/file')!;
    expect([...left]).toEqual([
      ...filled(100, 2),
      ...filled(50, 3),
      ...filled(250, 2),
      ...filled(112, 1),
      ...filled(512, 2),
      ...filled(400, 2),
      ...filled(112, 0),
    ]);
  });

  it('never tears what was synced', async () => {
    const disk = new SimDisk();
    const file = await disk.open('/file', { create: true });
    await file.write(0, filled(512, 1));
    await file.sync();
    await disk.syncDirectory('/');
    const left = disk.afterCrash({ keep: (pending) => pending, tear: () => 0 }).snapshotState();
    expect(left.get('/file')).toEqual(filled(512, 1));
  });

  it('draws torn sectors in half of the crashes, some of them each time', () => {
    const shares = Array.from({ length: 200 }, (_, seed) => {
      const tear = tearRandomly(new SimRandom(seed));
      const torn = Array.from({ length: 100 }, (_, sector) => tear({ sector, write: 1 }));
      expect(torn.every((bytes) => bytes > 0 && bytes <= 512)).toBe(true);
      return torn.filter((bytes) => bytes < 512).length;
    });
    expect(shares.filter((share) => share === 0).length).toBeGreaterThan(70);
    expect(shares.filter((share) => share > 0 && share < 50).length).toBeGreaterThan(70);
  });

  it('keeps size and sectors apart: zeros below a kept size, nothing above a lost one', async () => {
    const disk = SimDisk.holding(new Map([['/file', filled(512, 1)]]));
    const file = await disk.open('/file', {});
    await file.write(512, filled(512, 2));
    const keep = (kind: PendingChange['kind']) =>
      disk
        .afterCrash({ keep: (pending) => pending.filter((change) => change.kind === kind) })
        .snapshotState()
        .get('/file')!;
    expect(keep('size')).toEqual(Uint8Array.from([...filled(512, 1), ...filled(512, 0)]));
    expect(keep('sector')).toEqual(filled(512, 1));
  });

  it('has a sync cover the size, and an un-synced truncation either way', async () => {
    const disk = SimDisk.holding(new Map([['/file', filled(1024, 1)]]));
    const file = await disk.open('/file', {});
    await file.truncate(100);
    expect(disk.afterCrash({ keep: 'synced' }).snapshotState().get('/file')).toEqual(filled(1024, 1));
    expect(disk.afterCrash({ keep: 'all' }).snapshotState().get('/file')).toEqual(filled(100, 1));
    await file.sync();
    await file.truncate(200);
    await file.sync();
    const survivor = disk.afterCrash({ keep: 'synced' }).snapshotState().get('/file');
    expect(survivor).toEqual(Uint8Array.from([...filled(100, 1), ...filled(100, 0)]));
  });

  it('does not have a sync cover a write that was not answered when the sync was asked for', async () => {
    const disk = SimDisk.holding(new Map([['/file', filled(1024, 1)]]));
    const file = await disk.open('/file', {});
    await file.write(0, filled(512, 2));
    await Promise.all([file.write(512, filled(512, 3)), file.sync()]);
    const survivor = disk.afterCrash({ keep: 'synced' }).snapshotState().get('/file');
    expect(survivor).toEqual(Uint8Array.from([...filled(512, 2), ...filled(512, 1)]));
    await file.sync();
    const later = disk.afterCrash({ keep: 'synced' }).snapshotState().get('/file');
    expect(later).toEqual(Uint8Array.from([...filled(512, 2), ...filled(512, 3)]));
  });

  it('draws the same survivors for the same seed', async () => {
    const { disk } = await rewritten();
    const draw = (seed: number) =>
      disk
        .afterCrash({ keep: keepRandomly(new SimRandom(seed)) })
        .snapshotState()
        .get('/d/file')!;
    expect(draw(7)).toEqual(draw(7));
    expect(new Set(Array.from({ length: 60 }, (_, seed) => draw(seed).join(''))).size).toBe(8);
  });
});

describe('crash: directory entries', () => {
  it('loses a synced file whose entry was not', async () => {
    const disk = new SimDisk();
    await disk.makeDirectory('/d');
    await disk.syncDirectory('/');
    const file = await disk.open('/d/file', { create: true });
    await file.write(0, Buffer.from('content'));
    await file.sync();
    expect(disk.afterCrash({ keep: 'synced' }).snapshotState()).toEqual(
      new Map([['/d/', new Uint8Array(0)]]),
    );
    await disk.syncDirectory('/d');
    expect(text(disk.snapshotState().get('/d/file'))).toBe('content');
  });

  it('keeps an entry whose file was not synced, empty', async () => {
    const disk = new SimDisk();
    const file = await disk.open('/file', { create: true });
    await file.write(0, Buffer.from('content'));
    await disk.syncDirectory('/');
    expect(disk.snapshotState()).toEqual(new Map([['/file', new Uint8Array(0)]]));
  });

  it('has a rename over an old file be the old or the new, never neither', async () => {
    const disk = SimDisk.holding(
      new Map([
        ['/file', Buffer.from('old')],
        ['/new', Buffer.from('new')],
      ]),
    );
    await disk.rename('/new', '/file');
    expect(disk.pendingChanges()).toEqual([{ kind: 'rename', path: '/new', to: '/file' }]);
    expect([...disk.snapshotState()].map(([path, bytes]) => `${path} ${text(bytes)}`)).toEqual([
      '/file old',
      '/new new',
    ]);
    await disk.syncDirectory('/');
    expect([...disk.snapshotState()].map(([path, bytes]) => `${path} ${text(bytes)}`)).toEqual(['/file new']);
  });

  it('has a rename between directories stand only when both are synced', async () => {
    const disk = SimDisk.holding(
      new Map([
        ['/a/file', Buffer.from('x')],
        ['/b/', new Uint8Array(0)],
      ]),
    );
    await disk.rename('/a/file', '/b/file');
    const other = disk.clone();
    await other.syncDirectory('/a');
    expect([...other.snapshotState().keys()]).toEqual(['/a/file', '/b/']);
    await disk.syncDirectory('/b');
    expect([...disk.snapshotState().keys()]).toEqual(['/a/file', '/b/']);
    await disk.syncDirectory('/a');
    expect([...disk.snapshotState().keys()]).toEqual(['/a/', '/b/file']);
  });

  it('brings back what was removed without a sync', async () => {
    const disk = SimDisk.holding(
      new Map([
        ['/d/one', Buffer.from('1')],
        ['/d/sub/two', Buffer.from('2')],
      ]),
    );
    await disk.remove('/d');
    expect(await disk.stat('/d')).toBeUndefined();
    expect([...disk.snapshotState().keys()]).toEqual(['/d/one', '/d/sub/two']);
    const half = disk.afterCrash({ keep: (pending) => pending.filter((change) => change.path === '/d/one') });
    expect([...half.snapshotState().keys()]).toEqual(['/d/sub/two']);
    await disk.syncDirectory('/');
    expect([...disk.snapshotState().keys()]).toEqual(['/']);
    expect(disk.pendingChanges()).toEqual([]);
  });

  it('keeps directory changes in any subset, the younger without the older', async () => {
    const disk = SimDisk.holding(new Map([['/old', Buffer.from('x')]]));
    await disk.open('/made', { create: true });
    await disk.remove('/old');
    const survivors = [0, 1, 2, 3].map((mask) =>
      [
        ...disk
          .afterCrash({ keep: keepMask(mask) })
          .snapshotState()
          .keys(),
      ].join(),
    );
    expect(survivors).toEqual(['/old', '/made,/old', '/', '/made']);
  });
});

describe('crash: who was running', () => {
  it('fails what was under way and what was open', async () => {
    const clock = new SimClock();
    const disk = new SimDisk({ clock, latencyMs: 2 });
    const file = await clock.drive(disk.open('/file', { create: true }));
    const write = file.write(0, Buffer.from('x'));
    const failed = expect(write).rejects.toMatchObject({ name: 'DiskError', code: 'OTHER' });
    disk.crash({ keep: 'all' });
    await clock.advance(2);
    await failed;
    await expect(file.sync()).rejects.toMatchObject({ code: 'OTHER' });
    expect(text(disk.snapshotState().get('/file'))).toBe('x');
  });

  it('leaves a clone alone, and is left alone by it', async () => {
    const { disk, sync } = await rewritten();
    const clone = disk.clone();
    expect(clone.pendingChanges()).toEqual(disk.pendingChanges());
    await sync();
    expect(clone.pendingChanges()).toHaveLength(3);
    await clone.remove('/d');
    expect(await contents(disk, '/d/file')).toEqual(filled(1536, 2));
  });

  it('gives the crash states at every step of one run through its hook', async () => {
    const disk = new SimDisk();
    const states: string[][] = [];
    disk.onOperation = () => states.push([...disk.snapshotState().keys()]);
    const file = await disk.open('/file', { create: true });
    await file.sync();
    await disk.syncDirectory('/');
    await disk.rename('/file', '/final');
    expect(states).toEqual([['/'], ['/'], ['/'], ['/file']]);
  });
});

describe('injected failures', () => {
  it('fails a sync once: the data reads as written, but no later sync makes it durable', async () => {
    const { disk, sync } = await rewritten();
    disk.inject({ operation: 'sync', code: 'EIO', path: '/d/file' });
    await expect(sync()).rejects.toMatchObject({ code: 'EIO', path: '/d/file' });
    expect(await contents(disk, '/d/file')).toEqual(filled(1536, 2));
    await sync();
    expect(disk.snapshotState().get('/d/file')).toEqual(filled(1536, 1));
    expect(disk.pendingChanges()).toHaveLength(3);
    expect(disk.afterCrash({ keep: 'all' }).snapshotState().get('/d/file')).toEqual(filled(1536, 2));
  });

  it('fails a sync of a directory once, and the next one covers what that was to', async () => {
    const disk = new SimDisk();
    await disk.open('/file', { create: true });
    disk.inject({ operation: 'syncDirectory', code: 'EIO' });
    await expect(disk.syncDirectory('/')).rejects.toMatchObject({ code: 'EIO' });
    await disk.syncDirectory('/');
    expect([...disk.snapshotState().keys()]).toEqual(['/file']);
  });

  it('drops on request what it was to cover: it is there, and no later sync makes it durable', async () => {
    const disk = SimDisk.holding(new Map([['/d/old', filled(1, 1)]]));
    await disk.open('/d/made', { create: true });
    await disk.remove('/d/old');
    await disk.open('/d/later', { create: true });
    const dropped = disk.pendingChanges();
    disk.inject({ operation: 'syncDirectory', code: 'EIO', drops: true });
    await expect(disk.syncDirectory('/d')).rejects.toMatchObject({ code: 'EIO' });
    await disk.remove('/d/later');
    await disk.open('/d/new', { create: true });
    await disk.syncDirectory('/d');
    disk.endProcess();
    await disk.syncDirectory('/d');
    expect(await disk.list('/d')).toEqual(['made', 'new']);
    expect(disk.pendingChanges()).toEqual(dropped);
    for (const copy of [disk, disk.clone()]) {
      expect([...copy.snapshotState().keys()]).toEqual(['/d/new', '/d/old']);
      expect([...copy.afterCrash({ keep: 'all' }).snapshotState().keys()]).toEqual(['/d/made', '/d/new']);
    }
  });

  it('makes an entry durable that is made anew after it was dropped', async () => {
    const disk = SimDisk.holding(new Map([['/file', Buffer.from('old')]]));
    const file = await disk.open('/new', { create: true });
    await file.write(0, Buffer.from('new'));
    await file.sync();
    await disk.rename('/new', '/file');
    disk.inject({ operation: 'syncDirectory', code: 'EIO', drops: true });
    await expect(disk.syncDirectory('/')).rejects.toMatchObject({ code: 'EIO' });
    await disk.syncDirectory('/');
    expect(text(disk.snapshotState().get('/file'))).toBe('old');
    await disk.rename('/file', '/again');
    await disk.rename('/again', '/file');
    await disk.syncDirectory('/');
    expect([...disk.snapshotState()].map(([path, bytes]) => `${path} ${text(bytes)}`)).toEqual(['/file new']);
  });

  it('fails after so many operations, for good, until it is cleared', async () => {
    const disk = new SimDisk();
    const file = await disk.open('/file', { create: true });
    const fault = disk.inject({ operation: ['write', 'truncate'], code: 'EIO', after: 1, times: Infinity });
    await file.write(0, Buffer.from('a'));
    await expect(file.write(1, Buffer.from('b'))).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.truncate(0)).rejects.toMatchObject({ code: 'EIO' });
    expect(await file.size()).toBe(1);
    fault.clear();
    await file.write(1, Buffer.from('c'));
    expect(text(await file.read(0, 9))).toBe('ac');
  });

  it('is full at its capacity, having taken what fits, and has room again when files go', async () => {
    const disk = new SimDisk({ capacityBytes: 3 * 4096 });
    const one = await disk.open('/one', { create: true });
    await one.write(0, filled(4096, 1));
    expect(await disk.freeBytes('/')).toBe(8192);
    const two = await disk.open('/two', { create: true });
    await expect(two.write(100, filled(10_000, 2))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await two.size()).toBe(8192);
    await one.write(0, filled(4096, 3));
    await one.close();
    await disk.remove('/one');
    expect(await disk.freeBytes('/')).toBe(4096);
    await two.write(8192, filled(10, 2));
    disk.capacityBytes = 8 * 4096;
    await two.write(100, filled(10_000, 2));
    expect(await two.size()).toBe(12_288 - 4096 + 1908);
  });

  it('flips bits at rest, for programs running and after a crash', async () => {
    const disk = SimDisk.holding(new Map([['/file', Buffer.from('abc')]]));
    disk.corrupt('/file', 1, 0x01);
    expect(text(await contents(disk, '/file'))).toBe('acc');
    disk.crash({ keep: 'synced' });
    expect(text(await contents(disk, '/file'))).toBe('acc');
  });
});

describe('latency', () => {
  it('answers on microtasks without a clock, and when its time has come with one', async () => {
    let answered = false;
    new SimDisk().stat('/').then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    expect(answered).toBe(true);

    const clock = new SimClock();
    const disk = new SimDisk({ clock, latencyMs: ({ kind }) => (kind === 'sync' ? 5 : 1) });
    const file = await clock.drive(disk.open('/file', { create: true }));
    expect(clock.now()).toBe(1);
    await clock.drive(file.sync());
    expect(clock.now()).toBe(6);
  });

  it('has a sync count only when it is answered', async () => {
    const clock = new SimClock();
    const disk = new SimDisk({ clock, latencyMs: 1 });
    const file = await clock.drive(disk.open('/file', { create: true }));
    await clock.drive(disk.syncDirectory('/'));
    await clock.drive(file.write(0, Buffer.from('x')));
    const sync = file.sync();
    await clock.settle();
    expect(text(disk.snapshotState().get('/file'))).toBe('');
    await clock.drive(sync);
    expect(text(disk.snapshotState().get('/file'))).toBe('x');
  });
});
