import { simulate } from '@holdfast/sim';
import { expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';

/** What is told after `from`, up to the put of `end`, and where the watch stands after each. */
async function toldAfter(db: Holdfast, from: number): Promise<[event: string, position: number][]> {
  const told: [string, number][] = [];
  const watch = db.watch({ from });
  for await (const { type, key, endsWrite } of watch) {
    told.push([`${type} ${key}${endsWrite ? '' : ' …'}`, watch.position ?? -1]);
    if (key === 'end') break;
  }
  return told;
}

// G18.
test('a watch that begins amid a write is told the rest of it, and goes on from there until it was', async () => {
  await simulate({ seed: 1, nodes: 3 }, async ({ client }) => {
    const db = client();
    db.hooks.prewrite.add(({ type, key }, batch) => {
      if (type === 'put' && key !== 'end') batch.add({ type: 'put', key: `index/${key}`, value: '' });
    });
    const write = await db.write([
      { type: 'put', key: 'a', value: '1' },
      { type: 'del', key: 'b' },
      { type: 'put', key: 'c', value: '3' },
    ]);
    const whole = db.token();
    const end = await db.write([{ type: 'put', key: 'end', value: '' }]);
    // One revision a mutation: those of what the caller wrote, then those of what the hook added.
    const first = (await db.read('a'))?.revision ?? 0;
    expect(write.revision).toBe(first + 2);
    expect((await db.read('index/c'))?.revision).toBe(whole);
    expect(whole).toBe(first + 4);
    const rest = ['put a …', 'del b …', 'put c …', 'put index/a …'];
    for (let from = first - 1; from <= whole; from += 1) {
      const amid = rest.slice(from - first + 1).map((event) => [event, from]);
      const last = from === whole ? [] : [['put index/c', whole]];
      expect(await toldAfter(db, from), `after ${from}`).toEqual([
        ...amid,
        ...last,
        ['put end', end.revision],
      ]);
    }
  });
});
