import { beforeEach, expect, test } from 'vitest';
import { SteadySnapshot } from '../../src/oracles/steady-snapshots.ts';

let snapshot: SteadySnapshot;

beforeEach(() => {
  snapshot = new SteadySnapshot('c1');
  snapshot.saw('p', '1');
  snapshot.saw('q', undefined);
});

test('the same once more, and further keys, are as they should be', () => {
  snapshot.saw('p', '1');
  snapshot.saw('q', undefined);
  snapshot.saw('r', '4');
  expect([...snapshot.found]).toEqual([
    ['p', '1'],
    ['q', undefined],
    ['r', '4'],
  ]);
});

test.each<[string, string, string | undefined, string]>([
  ['another value', 'p', '2', 'c1 finds p=2 in a snapshot, which was 1 before'],
  ['one that is gone', 'p', undefined, 'finds p=absent in a snapshot, which was 1 before'],
  ['one that has come', 'q', '1', 'finds q=1 in a snapshot, which was absent before'],
])('%s is caught', (_, key, value, words) => {
  expect(() => snapshot.saw(key, value)).toThrow(words);
});
