import { copyFile, mkdir, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS, type LogIndex, type Term, type TermStart } from '@holdfast/types';
import { expect, test } from 'vitest';
import { historyKey } from '../src/keys.ts';
import { expectRecords, expectState } from './support/expectations.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openIn, openOn, temporaryDirectory } from './support/opening.ts';
import { logOf, type PlannedEntry, Replica } from './support/replica.ts';

/** Enough for LevelDB to change its log file several times: 20 MB beside a memory table of 8 MB. */
const ENTRIES = 40;
const VALUE = 'v'.repeat(10_000);

function bigPlan(): PlannedEntry[] {
  return Array.from({ length: ENTRIES }, (_, entry) => ({
    kind: 'write',
    session: 0,
    writes: [
      Array.from({ length: 50 }, (__, place) => ({
        key: `k${(entry * 37 + place) % 1000}`,
        value: `${entry}.${place}.${VALUE}`,
      })),
    ],
  }));
}

async function logSizes(directory: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.log')) continue;
    // LevelDB may be done with it by now.
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found !== undefined) sizes.set(name, found.size);
  }
  return sizes;
}

/**
 * What a power cut leaves in the worst case: LevelDB syncs tables and manifests when it makes them, but its
 * log only for a `sync` write. So each log keeps no more than it held at the last one, a later log nothing.
 */
async function afterPowerCut(directory: string, syncedLogs: ReadonlyMap<string, number>): Promise<string> {
  const copy = await copyAtRest(directory);
  for (const name of await readdir(copy))
    if (name.endsWith('.log')) await truncate(join(copy, name), syncedLogs.get(name) ?? 0);
  return copy;
}

/** LevelDB merges and removes tables in the background: a copy made meanwhile is of no one moment, and made again. */
async function copyAtRest(directory: string): Promise<string> {
  for (;;) {
    const copy = await temporaryDirectory();
    await mkdir(copy, { recursive: true });
    const names = await readdir(directory);
    try {
      for (const name of names) if (name !== 'LOCK') await copyFile(join(directory, name), join(copy, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      continue;
    }
    if ((await readdir(directory)).join() === names.join()) return copy;
  }
}

test('on LevelDB everything up to a checkpoint survives without any log file that was not synced', async () => {
  const log = logOf(bigPlan());
  const directory = await temporaryDirectory();
  const { store } = await openIn(directory);
  const core = new Replica();
  const at = Math.floor(ENTRIES / 2);
  // Batches go on while the checkpoint is taken.
  for (const entry of log.slice(0, at)) await store.apply(core.apply([entry]));
  const taking = store.checkpoint();
  const applying = log.slice(at, at + 5).map((entry) => store.apply(core.apply([entry])));
  const position = await taking;
  expect(position.index).toBe(at);
  const synced = await logSizes(directory);
  await Promise.all(applying);
  for (const entry of log.slice(at + 5)) await store.apply(core.apply([entry]));

  const copy = await afterPowerCut(directory, synced);
  const { store: survivor, state, usable } = await openIn(copy);
  expect(usable).toBe(true);
  expect(state.checkpoint).toEqual(position);
  const again = Replica.recovered(state);
  for (const entry of log.slice(position.index)) await survivor.apply(again.apply([entry]));
  await expectRecords(survivor, Replica.after(log));
  await survivor.close();
  await store.close();
});

test('on LevelDB even the logs that were synced are not needed for the data, only to find the checkpoint', async () => {
  const log = logOf(bigPlan().slice(0, 10));
  const directory = await temporaryDirectory();
  const { store } = await openIn(directory);
  await store.apply(new Replica().apply(log));
  await store.checkpoint();
  const copy = await afterPowerCut(directory, new Map());
  const { store: survivor, state } = await openIn(copy);
  expectState(state, Replica.after(log));
  // The record of the checkpoint was in the log that is gone: the data is there, but nothing says so.
  expect(state.checkpoint.index).toBe(0);
  const again = Replica.recovered(state);
  await survivor.apply(again.apply(log));
  await expectRecords(survivor, Replica.after(log));
  await survivor.close();
  await store.close();
});

test('a checkpoint of nothing new writes nothing, and one during another shares its answer', async () => {
  const level = new LossyLevel();
  const { store } = await openOn(level);
  const core = new Replica();
  await store.apply(core.apply(logOf([{ kind: 'open' }])));
  const [one, other] = await Promise.all([store.checkpoint(), store.checkpoint()]);
  expect(one).toEqual(core.applied);
  expect(other).toEqual(one);
  level.failure = new Error('nothing may be written');
  expect(await store.checkpoint()).toEqual(one);
});

test('history that a checkpoint covers is not written again with each batch', async () => {
  const level = new LossyLevel();
  const { store } = await openOn(level);
  const entries = logOf([{ kind: 'open' }, { kind: 'open' }]);
  const core = new Replica();
  const [opening, ...rest] = entries.map((entry) => core.apply([entry]));
  await store.apply(opening!);
  const [start] = opening!.history;
  await store.checkpoint();
  const written: string[] = [];
  const batch = level.batch.bind(level);
  level.batch = (operations, options) => {
    written.push(...operations.map(({ key }) => Buffer.from(key).toString('hex')));
    return batch(operations, options);
  };
  const later = { ...start!, term: 2 as Term, firstIndex: (start!.firstIndex + 1) as LogIndex };
  for (const one of rest) await store.apply({ ...one, history: [start!, later] });
  const count = (term: number): number =>
    written.filter((key) => key === Buffer.from(historyKey(term as Term)).toString('hex')).length;
  // Of the newer one each batch may be the only one that survives.
  expect([count(start!.term), count(2)]).toEqual([0, rest.length]);
  const { state } = await openOn(level.crash(() => true));
  expect(state.history).toEqual([start, later]);
});

test('of the history of terms the newest are kept', async () => {
  const level = new LossyLevel();
  const { store } = await openOn(level);
  const [opening] = logOf([]);
  const core = new Replica();
  const first = core.apply([opening!]);
  const starts = Array.from(
    { length: LIMITS.historyTermsMax + 5 },
    (_, place): TermStart => ({ ...first.history[0]!, term: (place + 1) as TermStart['term'] }),
  );
  await store.apply({ ...first, history: starts });
  await store.apply({
    ...first,
    history: [{ ...starts[0]!, term: (starts.length + 1) as TermStart['term'] }],
  });
  await store.checkpoint();
  const { state } = await openOn(level.crash(() => false));
  expect(state.history).toHaveLength(LIMITS.historyTermsMax);
  expect(state.history[0]?.term).toBe(7);
});
