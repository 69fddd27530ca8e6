import type { RangeClearing, Revision } from '@holdfast/types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { key, plan, runs } from './support/arbitraries.ts';
import { LossyLevel } from './support/lossy-level.ts';
import { openIn, openOn, temporaryDirectory } from './support/opening.ts';
import { logOf, Replica } from './support/replica.ts';

const ENOUGH = { keysMax: 1000, keyBytesMax: 100_000, readBytesMax: 100_000 };
const NEWEST = Number.MAX_SAFE_INTEGER as Revision;
const ALL: RangeClearing = { reverse: false, limit: -1, upTo: NEWEST };

const texts = (keys: readonly Uint8Array[]): string[] => keys.map((found) => Buffer.from(found).toString());

test('the keys of a range that are old enough are found, in pieces of any size', async () => {
  const bounds = fc.record({
    gte: key,
    lt: key,
    reverse: fc.boolean(),
    share: fc.double({ min: 0, max: 1.2 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, bounds, fc.integer({ min: 1, max: 3 }), async (planned, chosen, keysMax) => {
      const { gte, lt, reverse, share } = chosen;
      const model = new Replica();
      const { store } = await openOn(new LossyLevel());
      for (const entry of logOf(planned)) await store.apply(model.apply([entry]));
      const revisions = [...model.records.values()].map(({ revision }) => revision).sort((a, b) => a - b);
      const upTo = revisions[Math.floor(share * revisions.length)] ?? NEWEST;
      let range: RangeClearing = { gte: Buffer.from(gte), lt: Buffer.from(lt), reverse, limit: -1, upTo };
      const found: string[] = [];
      for (;;) {
        const { keys, behind } = await store.findOld({ ...ENOUGH, range, keysMax });
        found.push(...texts(keys));
        if (behind === undefined) break;
        const { gte: first, lt: end, ...rest } = range;
        range = reverse
          ? { ...rest, ...(first === undefined ? {} : { gte: first }), lt: behind }
          : { ...rest, gt: behind, ...(end === undefined ? {} : { lt: end }) };
      }
      const due = model
        .sorted()
        .filter(({ key: name, record }) => {
          const bytes = Buffer.from(name);
          const isWithin =
            Buffer.compare(bytes, Buffer.from(gte)) >= 0 && Buffer.compare(bytes, Buffer.from(lt)) < 0;
          return isWithin && record.revision <= upTo;
        })
        .map(({ key: name }) => name);
      expect(found).toEqual(reverse ? due.reverse() : due);
    }),
    runs(200),
  );
});

test('a look ends at each of its bounds, behind the key that reached it; on LevelDB', async () => {
  const { store } = await openIn(await temporaryDirectory());
  const values = Array.from({ length: 5 }, (_, place) => ({ key: `k${place}`, value: 'v'.repeat(400) }));
  const model = new Replica();
  await store.apply(
    model.apply(logOf([{ kind: 'write', session: 0, writes: values.map((value) => [value]) }])),
  );
  const look = async (range: Partial<RangeClearing>, bounds: Partial<typeof ENOUGH>) => {
    const { keys, behind } = await store.findOld({ ...ENOUGH, ...bounds, range: { ...ALL, ...range } });
    return [...texts(keys), behind === undefined ? undefined : texts([behind])[0]];
  };
  expect(await look({}, {})).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', undefined]);
  expect(await look({}, { keysMax: 2 })).toEqual(['k0', 'k1', 'k1']);
  expect(await look({ limit: 2 }, {})).toEqual(['k0', 'k1', 'k1']);
  expect(await look({ reverse: true }, { keyBytesMax: 5 })).toEqual(['k4', 'k3', 'k2', 'k2']);
  expect(await look({}, { readBytesMax: 500 })).toEqual(['k0', 'k1', 'k1']);
  // What is too new is looked at as well, and does not count against a limit.
  const old = model.records.get('k0')!.revision;
  expect(await look({ upTo: old, reverse: true, limit: 1 }, { keysMax: 3 })).toEqual(['k2']);
  expect(await look({ upTo: old, reverse: true, limit: 1 }, {})).toEqual(['k0', 'k0']);
  await store.close();
  await expect(look({}, {})).rejects.toMatchObject({ code: 'HOLDFAST_NOT_READY' });
});
