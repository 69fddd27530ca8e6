import { type Entry, forEachMutation, keyText, type Revision, type StoredRecord } from '@holdfast/types';

/** By the revision of a mutation: what its key held just before; null: nothing. */
export interface PreviousValues {
  readonly values: ReadonlyMap<Revision, Uint8Array | null>;
  /** Of the values. */
  readonly bytes: number;
}

/** Values beyond this are not read: what nobody can be told in time must not fill the memory. */
const BYTES_MAX = 16_777_216;

export interface PreviousValuesOptions {
  /** About to be applied, the store being just before them. */
  readonly entries: readonly Entry[];
  /** Which keys are asked about. */
  wants(key: Uint8Array): boolean;
  /** The records of the store, fewer if their values are longer than `bytesMax`. */
  read(keys: readonly Uint8Array[], bytesMax: number): readonly (StoredRecord | undefined)[];
}

/** What the store and the entries themselves say of the values that the entries replace. */
export function previousValues({ entries, wants, read }: PreviousValuesOptions): PreviousValues | undefined {
  const keys = new Map<string, Uint8Array>();
  for (const entry of entries) {
    forEachMutation(entry, ({ key }) => {
      if (wants(key)) keys.set(keyText(key), key);
    });
  }
  if (keys.size === 0) return undefined;
  const records = read([...keys.values()], BYTES_MAX);
  /** Newest value of each key; a key whose record was not read is not in it. */
  const newest = new Map<string, Uint8Array | null>();
  let bytes = 0;
  for (const [place, text] of [...keys.keys()].slice(0, records.length).entries()) {
    const value = records[place]?.value ?? null;
    newest.set(text, value);
    bytes += value?.byteLength ?? 0;
  }
  const values = new Map<Revision, Uint8Array | null>();
  for (const entry of entries) {
    forEachMutation(entry, (mutation, revision) => {
      const text = keyText(mutation.key);
      if (!keys.has(text)) return;
      const before = newest.get(text);
      if (before !== undefined) values.set(revision, before);
      newest.set(text, mutation.kind === 'put' ? mutation.value : null);
    });
  }
  return { values, bytes };
}
