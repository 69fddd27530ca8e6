import { expect, it } from 'vitest';
import { ConfigurationSet } from '../src/configuration-set.ts';

it.each([0, 1, 3])('tells configurations of %i words apart like a set of their texts', (words) => {
  const set = new ConfigurationSet(words);
  const texts = new Set<string>();
  const open = new Int32Array(words);
  for (let round = 0; round < 40_000; round++) {
    const frontier = round % 17;
    const state = Math.floor(round / 17) % 23;
    for (let word = 0; word < words; word++) open[word] = ((round * 7919 * (word + 1)) % 31) << (word * 9);
    const text = [frontier, state, ...open].join();
    expect(set.add(frontier, state, open)).toBe(!texts.has(text));
    texts.add(text);
  }
  expect(set.size).toBe(texts.size);
});
