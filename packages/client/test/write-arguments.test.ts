import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { World } from './support/world.ts';

let world: World;
let db: Holdfast;
beforeEach(async () => {
  world = await World.start();
  db = await world.opened();
});

describe('write', () => {
  test.each<[string, unknown]>([
    ['an option mistyped', { ifRevison: 1 }],
    ['an option of level', { sync: true }],
    ['no options at all', null],
    ['a revision that is null', { ifRevision: null }],
    ['absence that is no boolean', { ifAbsent: 'yes' }],
    ['conditions that are no list', { conditions: { key: 'a', revision: 1 } }],
    ['a condition that is none', { conditions: [null] }],
    ['a condition without a revision', { conditions: [{ key: 'a' }] }],
    ['a condition on a value', { conditions: [{ key: 'a', value: '1' }] }],
    ['a condition mistyped', { conditions: [{ key: 'a', revision: 1, absent: true }] }],
  ])('with %s is refused at once, and nothing is written unconditionally', async (_, options) => {
    const sent = world.cluster.node('n1').frames;
    for (const on of [db, db.sublevel('s')]) {
      const call = on.write([{ type: 'put', key: 'a', value: '1' }], options as never);
      expect((await world.timed(call)).error).toMatchObject({
        code: 'HOLDFAST_INVALID_ARGUMENT',
        outcome: 'not-applied',
      });
    }
    expect(world.cluster.node('n1').frames).toBe(sent);
  });

  test('that is refused so costs nobody else the connection', async () => {
    const options = { conditions: [{ key: 'a' }] };
    const refused = world.timed(db.write([{ type: 'put', key: 'a', value: '1' }], options as never));
    const { ms } = await world.timed(db.put('b', '1'));
    expect(ms).toBeLessThanOrEqual(10);
    expect((await refused).error).toMatchObject({ code: 'HOLDFAST_INVALID_ARGUMENT' });
  });
});
