import type { LogIndex, Revision } from '@holdfast/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Overlay, type OverlayRecord } from '../../src/state/overlay.ts';
import { check } from '../support/property.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const index = (value: number): LogIndex => value as LogIndex;

function record(at: number, value: string | null = `v${at}`): OverlayRecord {
  return { index: index(at), revision: at as Revision, value: value === null ? null : bytes(value) };
}

describe('overlay', () => {
  test('holds the newest record of a key until that one is applied', () => {
    const overlay = new Overlay();
    overlay.put('a', record(1));
    overlay.put('b', record(1));
    overlay.put('a', record(2));
    overlay.release(index(1));
    expect(overlay.get('a')).toEqual(record(2));
    expect(overlay.get('b')).toBeUndefined();
    overlay.release(index(2));
    expect(overlay.size).toBe(0);
    expect(overlay.bytes).toBe(0);
  });

  test('a fetch keeps what is applied while it is under way, and what is put meanwhile', () => {
    const overlay = new Overlay();
    overlay.put('a', record(1));
    const fetch = overlay.beginFetch();
    overlay.put('b', record(2));
    overlay.release(index(2));
    expect(overlay.get('a')).toEqual(record(1));
    expect(overlay.get('b')).toEqual(record(2));
    overlay.endFetch(fetch);
    expect(overlay.size).toBe(0);
  });

  test('a release waits for the fetches begun before it and for no later one', () => {
    const overlay = new Overlay();
    overlay.put('a', record(1));
    const before = overlay.beginFetch();
    overlay.release(index(1));
    const after = overlay.beginFetch();
    overlay.endFetch(before);
    expect(overlay.get('a')).toBeUndefined();
    overlay.endFetch(after);
  });

  test('fetches that end out of order: the oldest decides', () => {
    const overlay = new Overlay();
    overlay.put('a', record(1));
    const first = overlay.beginFetch();
    const second = overlay.beginFetch();
    overlay.release(index(1));
    overlay.endFetch(second);
    expect(overlay.get('a')).toEqual(record(1));
    overlay.endFetch(first);
    expect(overlay.get('a')).toBeUndefined();
  });

  test('fetches that end in order: the last one begun before the release decides', () => {
    const overlay = new Overlay();
    overlay.put('a', record(1));
    const first = overlay.beginFetch();
    const second = overlay.beginFetch();
    overlay.release(index(1));
    overlay.endFetch(first);
    expect(overlay.get('a')).toEqual(record(1));
    overlay.endFetch(second);
    expect(overlay.get('a')).toBeUndefined();
  });

  test('clear forgets fetches too, and their ends are ignored', () => {
    const overlay = new Overlay();
    const old = overlay.beginFetch();
    overlay.put('a', record(9));
    overlay.clear();
    overlay.put('a', record(3));
    overlay.endFetch(old);
    expect(overlay.get('a')).toEqual(record(3));
    overlay.release(index(3));
    expect(overlay.size).toBe(0);
  });

  test('newestIndex is that of the newest record among the keys', () => {
    const overlay = new Overlay();
    overlay.put('a', record(4));
    overlay.put('b', record(6, null));
    expect(overlay.newestIndex([bytes('a'), bytes('x')])).toBe(4);
    expect(overlay.newestIndex([bytes('a'), bytes('b')])).toBe(6);
    expect(overlay.newestIndex([bytes('x')])).toBe(0);
  });

  test('an index that goes down is a programmer error', () => {
    const overlay = new Overlay();
    overlay.put('a', record(4));
    expect(() => overlay.put('b', record(3))).toThrow('after 4');
    overlay.release(index(4));
    expect(() => overlay.put('b', record(3))).toThrow('after 4');
    expect(() => overlay.endFetch(1)).toThrow('never began');
  });

  test('stays small over a long life', () => {
    const overlay = new Overlay();
    for (let at = 1; at <= 50_000; at++) {
      overlay.put(`k${at % 100}`, record(at));
      if (at > 500) overlay.release(index(at - 500));
    }
    expect(overlay.size).toBe(100);
    overlay.release(index(50_000));
    expect([overlay.size, overlay.bytes]).toEqual([0, 0]);
  });
});

type Step =
  | { kind: 'put'; key: number; sameEntry: boolean; deleted: boolean }
  | { kind: 'apply'; entries: number }
  | { kind: 'releaseAll' }
  | { kind: 'beginFetch'; key: number }
  /** The store is read for the fetch that began first and has not read yet. */
  | { kind: 'readStore'; which: number }
  | { kind: 'endFetch'; which: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        key: fc.nat(1),
        sameEntry: fc.boolean(),
        deleted: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('apply' as const), entries: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'releaseAll' as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('beginFetch' as const), key: fc.nat(1) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('readStore' as const), which: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('endFetch' as const), which: fc.nat(5) }) },
  ),
  { maxLength: 60 },
);

interface Fetch {
  readonly token: number;
  readonly key: string;
  /** What the store held when it was read: a revision, 0 for absent. */
  read: number | undefined;
}

test('store under overlay is always the newest state, and so is every fetch under overlay', () => {
  check(
    fc.property(steps, (script) => {
      const overlay = new Overlay();
      /** By key: the revision last written, 0 for absent; in the log, and in the store. */
      const newest = new Map<string, number>();
      const store = new Map<string, number>();
      const log: { index: number; key: string; revision: number; deleted: boolean }[] = [];
      let fetches: Fetch[] = [];
      let lastIndex = 0;
      let applied = 0;
      let revision = 0;
      const seen = (key: string, below: number): number => {
        const over = overlay.get(key);
        if (over === undefined) return below;
        return over.value === null ? 0 : over.revision;
      };
      for (const step of script) {
        switch (step.kind) {
          case 'put': {
            if (!step.sameEntry || lastIndex === applied) lastIndex += 1;
            revision += 1;
            const key = `k${step.key}`;
            log.push({ index: lastIndex, key, revision, deleted: step.deleted });
            newest.set(key, step.deleted ? 0 : revision);
            overlay.put(key, {
              index: index(lastIndex),
              revision: revision as Revision,
              value: step.deleted ? null : bytes(`${revision}`),
            });
            break;
          }
          case 'apply': {
            applied = Math.min(lastIndex, applied + step.entries);
            for (const put of log)
              if (put.index <= applied) store.set(put.key, put.deleted ? 0 : put.revision);
            break;
          }
          case 'releaseAll':
            overlay.release(index(applied));
            break;
          case 'beginFetch':
            fetches.push({ token: overlay.beginFetch(), key: `k${step.key}`, read: undefined });
            break;
          case 'readStore': {
            const fetch = fetches[step.which % Math.max(1, fetches.length)];
            if (fetch !== undefined) fetch.read ??= store.get(fetch.key) ?? 0;
            break;
          }
          case 'endFetch': {
            const fetch = fetches[step.which % Math.max(1, fetches.length)];
            if (fetch === undefined) break;
            overlay.endFetch(fetch.token);
            fetches = fetches.filter((other) => other !== fetch);
            break;
          }
        }
        for (const key of ['k0', 'k1']) expect(seen(key, store.get(key) ?? 0)).toBe(newest.get(key) ?? 0);
        for (const fetch of fetches) {
          if (fetch.read !== undefined) expect(seen(fetch.key, fetch.read)).toBe(newest.get(fetch.key) ?? 0);
        }
      }
      for (const fetch of fetches) overlay.endFetch(fetch.token);
      overlay.release(index(lastIndex));
      expect([overlay.size, overlay.bytes]).toEqual([0, 0]);
    }),
    1000,
  );
});
