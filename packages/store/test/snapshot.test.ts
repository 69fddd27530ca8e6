import { NodeDisk } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import type { StoreState } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Store } from '../src/index.ts';
import { plan, runs } from './support/arbitraries.ts';
import { expectRecords, expectState } from './support/expectations.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openIn, openOn, temporaryDirectory } from './support/opening.ts';
import { logOf, type PlannedEntry, Replica } from './support/replica.ts';

interface Transfer {
  readonly chunks: Uint8Array[][];
  readonly digest: string;
}

const PLAN: readonly PlannedEntry[] = [
  { kind: 'open' },
  {
    kind: 'write',
    session: 0,
    writes: [
      [
        { key: 'a', value: 'one' },
        { key: 'b', value: 'two' },
      ],
    ],
  },
  { kind: 'opening' },
  { kind: 'open' },
  { kind: 'write', session: 1, writes: [[{ key: 'c', value: 'three' }], [{ key: 'b' }]] },
];

async function storeAfter(
  log: Parameters<Replica['apply']>[0],
): Promise<{ store: Store; core: Replica; level: LossyLevel }> {
  const level = new LossyLevel();
  const { store } = await openOn(level);
  const core = new Replica();
  await store.apply(core.apply(log));
  return { store, core, level };
}

async function sent(store: Store, bytesMax: number): Promise<Transfer> {
  const snapshot = store.openSnapshot();
  const chunks: Uint8Array[][] = [];
  for await (const chunk of snapshot.chunks(bytesMax)) chunks.push(chunk);
  const digest = snapshot.digest();
  await snapshot.close();
  return { chunks, digest };
}

/** Receives on a database in memory, which survives as what a power cut leaves of it. */
async function received(
  transfer: Transfer,
): Promise<{ state: StoreState; level: LossyLevel; disk: SimDisk }> {
  const level = new LossyLevel();
  const disk = new SimDisk();
  const receiver = await Store.receiveSnapshot({ directory: '/data/store-1', disk, location: () => level });
  for (const chunk of transfer.chunks) await receiver.write(chunk);
  const state = await receiver.finish(transfer.digest);
  expect(level.batchesAtRisk).toBe(0);
  return { state, level: level.crash(() => false), disk };
}

describe('a snapshot', () => {
  test('gives a store with the same data, sessions, history and position: fault 34', async () => {
    await fc.assert(
      fc.asyncProperty(plan, fc.constantFrom(1, 60, 100_000), async (planned, bytesMax) => {
        const { store, core } = await storeAfter(logOf(planned));
        const transfer = await sent(store, bytesMax);
        const { state, level } = await received(transfer);
        const opened = await openOn(level);
        expectState(opened.state, core);
        expect(opened.state.checkpoint).toEqual(core.applied);
        expect(state).toEqual(opened.state);
        await expectRecords(opened.store, core);
        expect(await opened.store.digest()).toEqual(await store.digest());
      }),
      runs(150),
    );
  });

  test('is of the moment it was opened, whatever is applied while it is sent', async () => {
    const log = logOf([
      ...PLAN,
      { kind: 'close', session: 0 },
      { kind: 'write', session: 1, writes: [[{ key: 'a' }]] },
    ]);
    const { store, core, level } = await storeAfter(log.slice(0, 6));
    const before = Replica.after(log.slice(0, 6));
    // One batch is under way when it is opened: it is in the image as a whole or not at all.
    let open = (): void => {};
    level.gate = new Promise((resolve) => {
      open = resolve;
    });
    const applied = store.apply(core.apply(log.slice(6)));
    await new Promise(setImmediate);
    const snapshot = store.openSnapshot();
    open();
    await applied;
    const chunks: Uint8Array[][] = [];
    for await (const chunk of snapshot.chunks(10)) chunks.push(chunk);
    expect(snapshot.position).toEqual(before.applied);
    const target = await received({ chunks, digest: snapshot.digest() });
    const opened = await openOn(target.level);
    expectState(opened.state, before);
    await expectRecords(opened.store, before);
    // The rest of the log goes on from there.
    await opened.store.apply(Replica.recovered(opened.state).apply(log.slice(6)));
    await expectRecords(opened.store, core);
  });

  test('goes from LevelDB to LevelDB and survives as files', async () => {
    const directory = await temporaryDirectory();
    const { store } = await openIn(`${directory}/store`);
    const core = new Replica();
    await store.apply(core.apply(logOf([...PLAN, large(400)])));
    const snapshot = store.openSnapshot();
    const receiver = await Store.receiveSnapshot({ directory: `${directory}/store-1`, disk: new NodeDisk() });
    for await (const chunk of snapshot.chunks(50_000)) {
      expect(chunk.reduce((bytes, part) => bytes + part.byteLength, 0)).toBeLessThanOrEqual(50_000);
      await receiver.write(chunk);
    }
    expect(snapshot.position).toEqual(core.applied);
    const state = await receiver.finish(snapshot.digest());
    await snapshot.close();
    const opened = await openIn(`${directory}/store-1`);
    expect(opened.state).toEqual(state);
    expectState(state, core);
    await expectRecords(opened.store, core);
    await opened.store.close();
    await store.close();
  });
});

describe('a snapshot that is not what was sent is refused, and nothing of it stays: fault 33', () => {
  async function expectRefused(chunks: readonly (readonly Uint8Array[])[], digest: string): Promise<void> {
    const disk = new SimDisk();
    const level = new LossyLevel();
    const receiver = await Store.receiveSnapshot({ directory: '/data/store-1', disk, location: () => level });
    const receive = async (): Promise<void> => {
      for (const chunk of chunks) await receiver.write(chunk);
      await receiver.finish(digest);
    };
    await expect(receive()).rejects.toMatchObject({ code: 'HOLDFAST_INVALID_MESSAGE' });
    expect(await disk.stat('/data/store-1')).toBeUndefined();
    // Whatever a power cut left of it is no store.
    const opened = await openOn(level.crash(() => true));
    expect(opened.usable && opened.state.applied.index > 0).toBe(false);
  }

  async function transferOf(bytesMax: number): Promise<Transfer> {
    return await sent((await storeAfter(logOf(PLAN))).store, bytesMax);
  }

  test('every bit of every chunk', async () => {
    const { chunks, digest } = await transferOf(1);
    for (const [number, chunk] of chunks.entries()) {
      for (const [part, bytes] of chunk.entries()) {
        for (let position = 0; position < bytes.byteLength; position++) {
          const flipped = Uint8Array.from(bytes);
          flipped[position]! ^= 1 << (position % 8);
          const damaged = chunks.with(number, chunk.with(part, flipped));
          await expectRefused(damaged, digest);
        }
      }
    }
  });

  test('a chunk lost, doubled, cut or moved, or another digest', async () => {
    const { chunks, digest } = await transferOf(60);
    expect(chunks.length).toBeGreaterThan(3);
    for (const number of chunks.keys()) {
      await expectRefused(chunks.toSpliced(number, 1), digest);
      await expectRefused(chunks.toSpliced(number, 0, chunks[number]!), digest);
      await expectRefused(chunks.with(number, chunks[number]!.slice(0, -1)), digest);
      await expectRefused(chunks.slice(0, number), digest);
    }
    await expectRefused([...chunks].reverse(), digest);
    await expectRefused(chunks, '0'.repeat(64));
  });

  test('a directory left by a transfer that a crash cut off is no store', async () => {
    const { chunks } = await transferOf(1);
    for (let taken = 1; taken <= chunks.length; taken++) {
      const level = new LossyLevel();
      const receiver = await Store.receiveSnapshot({
        directory: '/data/store-1',
        disk: new SimDisk(),
        location: () => level,
      });
      for (const chunk of chunks.slice(0, taken)) await receiver.write(chunk);
      const { state, usable } = await openOn(level.crash(() => true));
      expect(state.applied.index).toBe(0);
      expect(usable).toBe(taken === 1);
    }
  });

  test('that finds no room for its database leaves nothing', async () => {
    const disk = new SimDisk();
    const level = new LossyLevel();
    level.open = async () => {
      await (await disk.open('/data/store-1/LOCK', { create: true })).close();
      throw new Error('IO error: /data/store-1/MANIFEST-000001: No space left on device');
    };
    const refused = Store.receiveSnapshot({ directory: '/data/store-1', disk, location: () => level });
    await expect(refused).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await disk.stat('/data/store-1')).toBeUndefined();
  });

  test('aborted, it leaves nothing', async () => {
    const disk = new SimDisk();
    const receiver = await Store.receiveSnapshot({
      directory: '/data/store-1',
      disk,
      location: () => new LossyLevel(),
    });
    await receiver.write((await transferOf(1)).chunks[0]!);
    await receiver.abort();
    expect(await disk.stat('/data/store-1')).toBeUndefined();
  });
});

function large(count: number): PlannedEntry {
  const puts = Array.from({ length: count }, (_, place) => ({
    key: `large-${place}`,
    value: `${place}`.repeat(300),
  }));
  return { kind: 'write', session: 0, writes: [puts] };
}
