import { LIMITS } from '@holdfast/types';
import { expect, test } from 'vitest';
import { LINK_TIMING } from '../src/links/link-timing.ts';

/** A browser lets the timers of pages that nobody sees go off no more often. */
const HIDDEN_PAGE_MS = 60_000;

test('A client gives a sign of life in half the time after which a node forgets it, on a hidden page too', () => {
  const { signMs, checkMs } = LINK_TIMING;
  expect(2 * Math.max(signMs + checkMs, HIDDEN_PAGE_MS)).toBeLessThanOrEqual(LIMITS.clientSilentMsMax);
});
