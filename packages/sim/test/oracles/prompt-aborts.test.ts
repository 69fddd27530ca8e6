import { expect, test } from 'vitest';
import { PromptAborts } from '../../src/oracles/prompt-aborts.ts';

test('a call that ends when it is aborted is as it should be, one that takes its time is caught', () => {
  let now = 100;
  const oracle = new PromptAborts(() => now);
  const first = oracle.aborted('c1 call 1');
  const second = oracle.aborted('c1 call 2');
  first();
  now = 101.5;
  expect(second).toThrow('c1 call 2 ended 1.5 ms after it was aborted');
});
