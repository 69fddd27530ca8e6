import type { SessionRecord, StoreState } from '@holdfast/types';
import { expect } from 'vitest';
import type { Store } from '../../src/index.ts';
import { placeText, type Replica } from './replica.ts';

/** Every record of the store, read as one scan and key by key, is that of the model. */
export async function expectRecords(store: Store, model: Replica): Promise<void> {
  const scan = store.scan({ reverse: false, limit: -1, keys: true, values: true });
  const { records, done } = await scan.next({ entriesMax: 100_000, bytesMax: Number.MAX_SAFE_INTEGER });
  await scan.close();
  expect(done).toBe(true);
  expect(scan.revision).toBe(model.revision);
  const sorted = model.sorted();
  expect(records.map((bytes) => Buffer.from(bytes).toString())).toEqual(
    sorted.flatMap(({ key, record }) => [key, Buffer.from(record.value).toString()]),
  );
  const got = store.get(sorted.map(({ key }) => Buffer.from(key)));
  expect(got.records.map((record) => record?.revision)).toEqual(sorted.map(({ record }) => record.revision));
  expect(got.records.map((record) => record?.expiresAt)).toEqual(
    sorted.map(({ record }) => record.expiresAt),
  );
  expect(got.revision).toBe(model.revision);
  await expectPlaces(store, model);
}

/** The index of expiries, looked through in parts, is that of the model. */
async function expectPlaces(store: Store, model: Replica): Promise<void> {
  const end = Number.MAX_SAFE_INTEGER;
  const all = await store.findDue({ upTo: end, placesMax: 100_000 });
  expect(all.next).toBeUndefined();
  expect(all.due.map(placeText)).toEqual([...model.places.keys()].sort());
  expect(all.due.map(({ isCurrent }) => isCurrent)).toEqual(
    all.due.map(({ key, expiresAt }) => model.records.get(textOf(key))?.expiresAt === expiresAt),
  );
  const first = all.due[0]?.expiresAt ?? 0;
  const due = all.due.filter(({ expiresAt }) => expiresAt <= first);
  const found = await store.findDue({ upTo: first, placesMax: 2 });
  expect(found.due).toEqual(due.slice(0, 2));
  expect(found.next).toBe(all.due[found.due.length]?.expiresAt);
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString();
}

/** Sessions, history and position are those of the model. */
export function expectState(state: StoreState, model: Replica): void {
  expect(state.applied).toEqual(model.applied);
  expect(state.revision).toBe(model.revision);
  expect(state.logTime).toBe(model.logTime);
  expect([...state.sessions].sort(byId)).toEqual([...model.sessions.values()].sort(byId));
  expect(state.history).toEqual([...model.history.values()].sort((left, right) => left.term - right.term));
}

function byId(left: SessionRecord, right: SessionRecord): number {
  return left.id < right.id ? -1 : 1;
}
