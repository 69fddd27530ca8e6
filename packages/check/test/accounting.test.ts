import { describe, expect, it } from 'vitest';
import { Accounting, type AccountingResult, type FoundValue, type ListedMutation } from '../src/index.ts';

type Store = Record<string, [value: string, revision: number]>;

function compare(
  accounting: Accounting,
  store: Store,
  diverged: ListedMutation[] = [],
): Promise<AccountingResult> {
  const read = (key: string): FoundValue | undefined => {
    const found = store[key];
    return found && { value: found[0], revision: found[1] };
  };
  return accounting.compare({ read, diverged });
}

async function problems(
  accounting: Accounting,
  store: Store,
  diverged: ListedMutation[] = [],
): Promise<string[]> {
  const { ok, lines } = await compare(accounting, store, diverged);
  expect(ok).toBe(lines.length === 1);
  return lines.slice(0, -1);
}

/** A quorum write at revision 5 of k and a local one at revision 6 of m. */
function twoWrites(): Accounting {
  const accounting = new Accounting();
  accounting.write({ key: 'k', value: 'a' }).acknowledged({ revision: 5, ack: 'quorum' });
  accounting.write({ key: 'm', value: 'b' }).acknowledged({ revision: 6, ack: 'local' });
  return accounting;
}

const listedB: ListedMutation = { id: '2.7', key: 'm', value: 'b', revision: 6 };

describe('writes', () => {
  it('that survived or are listed are accounted for', async () => {
    const { ok, fates, acknowledged, lines } = await compare(twoWrites(), { k: ['a', 5] }, [listedB]);
    expect({ ok, fates, acknowledged }).toEqual({
      ok: true,
      fates: { survived: 1, overwritten: 0, listed: 1, lost: 0, twice: 0 },
      acknowledged: { local: 1, quorum: 1, all: 0 },
    });
    expect(lines).toEqual([
      '2 writes acknowledged (local 1, quorum 1): 1 survived, 0 overwritten since, 1 listed as diverged, 0 lost, 0 twice; ' +
        '0 failed; 0 unknown, of which 0 found; 0 counters; 0 problems',
    ]);
  });

  it('that are neither found nor listed are lost', async () => {
    expect(await problems(twoWrites(), { k: ['a', 5] })).toEqual([
      'put m = b (local, revision 6): not listed as diverged, and the key is absent',
    ]);
  });

  it('that are found and listed, or listed twice, are there twice', async () => {
    const all: Store = { k: ['a', 5], m: ['b', 6] };
    expect(await problems(twoWrites(), all, [listedB])).toEqual([
      'put m = b (local, revision 6): found and listed as diverged (2.7)',
    ]);
    expect(await problems(twoWrites(), { k: ['a', 5] }, [listedB, { ...listedB, id: '2.8' }])).toEqual([
      'put m = b (local, revision 6): listed as diverged 2 times',
    ]);
  });

  it('may be listed only if their level was local', async () => {
    const listed = { id: '2.6', key: 'k', value: 'a', revision: 5 };
    expect(await problems(twoWrites(), { m: ['b', 6] }, [listed])).toEqual([
      'put k = a (quorum, revision 5): listed as diverged in spite of its level',
    ]);
  });

  it('that were applied a second time stand at another revision', async () => {
    expect(await problems(twoWrites(), { k: ['a', 9], m: ['b', 6] })).toEqual([
      'put k = a (quorum, revision 5): found at revision 9: applied again, or at another place than was said',
    ]);
  });

  it('that were written again by an operator are found at their new revision, and only there', async () => {
    const reapplied = { ...listedB, isReapplied: true };
    expect(await problems(twoWrites(), { k: ['a', 5], m: ['b', 90] }, [reapplied])).toEqual([]);
    expect(await problems(twoWrites(), { k: ['a', 5] }, [reapplied])).toEqual([
      'put m = b (local, revision 6): written again by an operator, but the key is absent',
    ]);
  });

  it('give way to later ones only', async () => {
    const accounting = twoWrites();
    accounting.write({ key: 'k', value: 'c' }).acknowledged({ revision: 8, ack: 'all' });
    const { ok, fates } = await compare(accounting, { k: ['c', 8], m: ['b', 6] });
    expect([ok, fates.overwritten, fates.survived]).toEqual([true, 1, 2]);
    expect(await problems(accounting, { k: ['a', 5], m: ['b', 6] })).toEqual([
      'put k = c (all, revision 8): not listed as diverged, and the key holds a at revision 5',
    ]);
  });

  it('that deleted a key explain that it is absent, unless they are listed', async () => {
    const accounting = twoWrites();
    accounting.write({ key: 'k', value: undefined }).acknowledged({ revision: 8, ack: 'local' });
    const { ok, fates } = await compare(accounting, { m: ['b', 6] });
    expect([ok, fates.overwritten, fates.survived]).toEqual([true, 1, 2]);
    const listed = { id: '3.1', key: 'k', value: undefined, revision: 8 };
    expect(await problems(accounting, { k: ['a', 5], m: ['b', 6] }, [listed])).toEqual([]);
    expect(await problems(accounting, { m: ['b', 6] }, [listed])).toEqual([
      'put k = a (quorum, revision 5): not listed as diverged, and the key is absent',
    ]);
    expect(await problems(accounting, { k: ['a', 5], m: ['b', 6] })).toEqual([
      'delete k (local, revision 8): not listed as diverged, and the key holds a at revision 5',
    ]);
  });

  it('that failed must be nowhere', async () => {
    const accounting = new Accounting();
    accounting.write({ key: 'k', value: 'a' }).failed();
    expect(await problems(accounting, {})).toEqual([]);
    expect(await problems(accounting, { k: ['a', 5] })).toEqual(['put k = a (failed): found at revision 5']);
    expect(await problems(accounting, {}, [{ id: '2.6', key: 'k', value: 'a', revision: 5 }])).toEqual([
      'diverged entry 2.6 lists put k = a at revision 5, which was answered otherwise',
    ]);
  });

  it('that are unknown may be found, or listed, or neither, but not both', async () => {
    const accounting = new Accounting();
    accounting.write({ key: 'k', value: 'a' }).unknown();
    const listed = { id: '2.6', key: 'k', value: 'a', revision: 5 };
    expect(await problems(accounting, {})).toEqual([]);
    expect(await problems(accounting, { k: ['a', 5] })).toEqual([]);
    expect(await problems(accounting, {}, [listed])).toEqual([]);
    expect(await problems(accounting, { k: ['a', 5] }, [listed])).toEqual([
      'diverged entry 2.6 lists put k = a at revision 5, and it is found too',
    ]);
  });

  it('that nobody made are found out', async () => {
    expect(await problems(twoWrites(), { k: ['z', 5], m: ['b', 6] })).toEqual([
      'key k holds z at revision 5, which nobody wrote',
      'put k = a (quorum, revision 5): not listed as diverged, and the key holds z at revision 5',
    ]);
    const listed = { id: '2.9', key: 'q', value: 'x', revision: 7 };
    expect(await problems(twoWrites(), { k: ['a', 5], m: ['b', 6] }, [listed])).toEqual([
      'diverged entry 2.9 lists key q, which nobody wrote',
    ]);
    expect(await problems(twoWrites(), { k: ['a', 5] }, [{ ...listedB, value: 'x' }])).toEqual([
      'diverged entry 2.7 lists put m = x at revision 6, which was put m = b (local, revision 6)',
    ]);
  });

  it('have revisions of their own', async () => {
    const accounting = twoWrites();
    accounting.write({ key: 'k', value: 'c' }).acknowledged({ revision: 5, ack: 'quorum' });
    expect(await problems(accounting, { k: ['a', 5], m: ['b', 6] })).toContain(
      'put k = c (quorum, revision 5): has the revision of put k = a (quorum, revision 5)',
    );
  });

  it('are told from one another by value, and answered once', () => {
    const accounting = new Accounting();
    const write = accounting.write({ key: 'k', value: 'a' });
    expect(() => accounting.write({ key: 'k', value: 'a' })).toThrow('value a of key k was used before');
    write.unknown();
    expect(() => write.failed()).toThrow('put k = a (unknown) was answered already');
  });
});

describe('counters', () => {
  it('hold what was acknowledged, and of the unknown any part', async () => {
    const accounting = new Accounting();
    accounting.step({ key: 'c', by: 2 }).acknowledged(2);
    accounting.step({ key: 'c', by: 3 }).acknowledged(5);
    accounting.step({ key: 'c', by: 100 }).failed();
    expect(await problems(accounting, { c: ['5', 9] })).toEqual([]);
    expect(await problems(accounting, { c: ['7', 9] })).toEqual([
      'counter c holds 7, but its acknowledged steps make 5',
    ]);
    expect(await problems(accounting, {})).toEqual([
      'counter c holds nothing, but its acknowledged steps make 5',
    ]);
    accounting.step({ key: 'c', by: 4 }).unknown();
    accounting.step({ key: 'c', by: 7 });
    for (const value of [5, 9, 12, 16])
      expect(await problems(accounting, { c: [String(value), 9] })).toEqual([]);
    expect(await problems(accounting, { c: ['8', 9] })).toEqual([
      'counter c holds 8, but its acknowledged steps make 5, with 2 unknown steps of 11 in all',
    ]);
  });

  it('never tell two steps the same value', async () => {
    const accounting = new Accounting();
    accounting.step({ key: 'c', by: 1 }).acknowledged(1);
    accounting.step({ key: 'c', by: 1 }).acknowledged(1);
    expect(await problems(accounting, { c: ['2', 9] })).toEqual([
      'counter c: two steps were told that they made it 1',
    ]);
  });

  it('with very many unknown steps are held to bounds', async () => {
    const accounting = new Accounting();
    for (let step = 0; step < 20; step++) accounting.step({ key: 'c', by: 2 ** step }).unknown();
    expect(await problems(accounting, { c: [String(2 ** 19 + 5), 9] })).toEqual([]);
    expect(await problems(accounting, { c: [String(2 ** 20), 9] })).toHaveLength(1);
  });
});

it('many problems are told in few lines', async () => {
  const accounting = new Accounting();
  for (let key = 0; key < 80; key++)
    accounting.write({ key: `k${key}`, value: 'a' }).acknowledged({ revision: key + 1, ack: 'all' });
  const { lines, fates } = await compare(accounting, {});
  expect([lines.length, lines[50], fates.lost]).toEqual([52, 'and 30 more', 80]);
});
