import { once } from 'node:events';
import { SystemClock, SystemRandom } from '@holdfast/io';
import { SimNetwork } from '@holdfast/sim';
import type { Clock, NodeId, Timer } from '@holdfast/types';
import { expect, test } from 'vitest';
import { createHarness, suite, type TapeRow } from '../../../test/support/conformance/tape-suite.ts';
import { Holdfast, type HoldfastOptions } from '../src/index.ts';
import { FakeCluster } from './support/fake-cluster.ts';

/** Real time, but what is due now happens in the next turn instead of a millisecond later. */
class PromptClock implements Clock {
  readonly #system: SystemClock = new SystemClock();

  now(): number {
    return this.#system.now();
  }

  wallTime(): number {
    return this.#system.wallTime();
  }

  setTimer(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer {
    if (delayMs > 0) return this.#system.setTimer(delayMs, callback, options);
    const immediate = setImmediate(callback);
    return { cancel: () => clearImmediate(immediate) };
  }
}

test('the suite of abstract-level passes, unfiltered, against one node', async () => {
  const clock = new PromptClock();
  const network = new SimNetwork({ clock, latencyMs: 0 });
  let databases = 0;
  const factory = (options: HoldfastOptions<string, string> = {}): Holdfast => {
    databases += 1;
    const host = `h${databases}`;
    const seat = { id: 'n1' as NodeId, url: `ws://${host}:7100`, transport: network.transport(host) };
    void new FakeCluster([seat]).nodes[0]?.start();
    const seams = { transport: network.transport('app'), clock, random: new SystemRandom() };
    return new Holdfast(seat.url, { ...options, seams });
  };

  const harness = createHarness();
  const rows = harness.createStream({ objectMode: true });
  suite({ test: harness, factory });
  let passed = 0;
  let title = '';
  const failed: unknown[] = [];
  rows.on('data', (row: TapeRow) => {
    if (row.type === 'test') title = row.name ?? '';
    if (row.type !== 'assert') return;
    if (row.ok) passed += 1;
    else
      failed.push({
        test: title,
        assertion: row.name,
        error: String(row.error),
        actual: row.actual,
        expected: row.expected,
      });
  });
  await once(rows, 'end');
  console.log(
    `abstract-level/test: ${passed} assertions passed, ${failed.length} failed, ${databases} databases`,
  );
  expect(failed).toEqual([]);
  // Fewer would mean that a part of the suite was not run: it chooses by the manifest.
  expect(passed).toBeGreaterThan(4000);
});
