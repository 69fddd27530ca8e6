import type { Input, RecoveredState } from '@holdfast/core';
import { type LevelOperation, Store } from '@holdfast/store';
import { type Entry, type LogIndex, nodeId, type SessionId, type StoreState } from '@holdfast/types';
import { beforeEach, expect, test } from 'vitest';
import { simLevels } from '../../src/level/sim-level.ts';
import { SortedRecords } from '../../src/level/sorted-records.ts';
import { WholeStores } from '../../src/oracles/whole-stores.ts';
import { SimClock } from '../../src/sim-clock.ts';
import { SimDisk } from '../../src/sim-disk.ts';
import { applyOf, entryOf } from './support.ts';

const n1 = { node: nodeId('n1'), number: 1 };
const SESSION = '1.1.0' as SessionId;
const opening: Entry = {
  ...entryOf({ index: 1, revision: 10, changes: [] }),
  body: { kind: 'requests', requests: [{ kind: 'openSession' }] },
};
const entries: readonly Entry[] = [
  opening,
  entryOf({ index: 2, revision: 20, changes: [['a', '1']] }),
  entryOf({ index: 3, revision: 30, changes: [['b', '1']] }),
  entryOf({ index: 4, revision: 40, changes: [['a', undefined]] }),
];
let oracle: WholeStores;

beforeEach(() => {
  oracle = new WholeStores();
  oracle.onEffect(applyOf(...entries));
});

/** A store to which these were applied, with a checkpoint of the first `checkpointed` of them. */
async function storeOf(applied: readonly Entry[], checkpointed = 0): Promise<SortedRecords> {
  let held = new SortedRecords();
  const disk = new SimDisk();
  const location = simLevels({ disk, onChanged: (_path, records) => (held = records ?? held) });
  const { store } = await Store.open({
    disk,
    directory: '/store',
    location,
    clock: new SimClock(),
    onFailure: (error) => {
      throw error;
    },
  });
  for (const [place, entry] of applied.entries()) {
    await store.apply(applyOf(entry) as Parameters<typeof store.apply>[0]);
    if (place + 1 === checkpointed) await store.checkpoint();
  }
  return held;
}

function goesOnFrom(index: number, sessions: readonly SessionId[] = [SESSION]): RecoveredState {
  const store = { checkpoint: { index, term: 1 }, sessions: sessions.map((id) => ({ id })) };
  return { store } as unknown as RecoveredState;
}

test('a store that holds all up to its checkpoint, or later versions', async () => {
  oracle.onRecovered(n1, goesOnFrom(3), await storeOf(entries.slice(0, 3)));
  oracle.onRecovered(n1, goesOnFrom(2), await storeOf(entries));
});

test('one that lacks a batch before its checkpoint, or a delete, is caught', async () => {
  const lacking = await storeOf(entries.slice(0, 2));
  expect(() => oracle.onRecovered(n1, goesOnFrom(3), lacking)).toThrow(
    'n1 goes on from 3, and its store has "b" at revision none',
  );
  const undeleted = await storeOf(entries.slice(0, 3));
  expect(() => oracle.onRecovered(n1, goesOnFrom(4), undeleted)).toThrow('its store has "a" at revision 20');
});

test('a store and a snapshot without a session that is open are caught', async () => {
  const held = await storeOf(entries);
  expect(() => oracle.onRecovered(n1, goesOnFrom(4, []), held)).toThrow(
    'n1 goes on from 4 without session 1.1.0, opened at 1',
  );
  const received = (index: number): Input => {
    const state = { applied: { index, term: 1 }, sessions: [] } as unknown as StoreState;
    return { kind: 'snapshotReceived', directory: '/store-2', state };
  };
  expect(() => oracle.onStep(n1, received(4), [held])).toThrow('n1 has a snapshot up to 4 without session');
  oracle.onStep(n1, received(0), [held]);
});

test('a log that lets go of what no checkpoint holds is caught', async () => {
  const held = await storeOf(entries, 2);
  const removed = (below: number): Input => ({ kind: 'headRemoved', below: below as LogIndex });
  oracle.onStep(n1, removed(3), [held]);
  expect(() => oracle.onStep(n1, removed(4), [held])).toThrow(
    'n1 lets its log go below 4, with a checkpoint of its store at 2',
  );
});

test('what cannot be read says nothing', async () => {
  const held = await storeOf(entries, 2);
  const [first] = [...held.operations()].filter(({ key }) => key[1] === 0x63) as LevelOperation[];
  held.apply([{ type: 'put', key: first!.key, value: Buffer.from('damaged') }]);
  oracle.onStep(n1, { kind: 'headRemoved', below: 9 as LogIndex }, [held]);
});
