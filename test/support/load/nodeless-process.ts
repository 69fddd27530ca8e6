// Calls that come whatever happens, in a process of its own, whose heap is measured while there is no node:
// node --expose-gc nodeless-process.ts '<options as JSON>'
import { setTimeout as delay } from 'node:timers/promises';
import { Holdfast } from '@holdfast/client';
import type { NodelessOptions, NodelessReport } from './nodeless-report.ts';

const options = JSON.parse(process.argv[2] ?? '') as NodelessOptions;
const { urls, callsPerSecond, lastsMs, timeoutMs, pendingCallsMax } = options;
const client = new Holdfast([...urls], { timeoutMs, pendingCallsMax });
const failed: Record<string, number> = {};
let issued = 0;
let pending = 0;
let pendingMax = 0;

function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function call(number: number): Promise<void> {
  pending += 1;
  try {
    const key = `nodeless/${number % 1000}`;
    await (number % 2 === 0 ? client.put(key, `${number}`) : client.get(key));
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    failed[code] = (failed[code] ?? 0) + 1;
  } finally {
    pending -= 1;
  }
}

async function callFor(ms: number): Promise<void> {
  const startedAt = performance.now();
  const before = issued;
  for (let passed = 0; passed < ms; passed = performance.now() - startedAt) {
    const due = before + Math.floor((passed * callsPerSecond) / 1000);
    while (issued < due) void call(issued++);
    pendingMax = Math.max(pendingMax, client.health()?.pending.calls ?? 0);
    await delay(5);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

await client.open();
await callFor(1000);
await until(() => pending === 0);
const before = heapBytes();
process.send?.({ kind: 'ready' });
await until(() => client.health()?.connected === false);
// Until the queues are full, and those of before have ended.
await callFor(2 * timeoutMs);
const early = heapBytes();
const callsBefore = issued;
await callFor(lastsMs);
const late = heapBytes();
const calls = issued - callsBefore;
await until(() => pending === 0);
const after = heapBytes();
const report: NodelessReport = { kind: 'report', before, early, late, after, calls, pendingMax, failed };
process.send?.(report);
process.once('message', () => {
  void client
    .put('nodeless/back', 'here', { timeoutMs: 20_000 })
    .then(() => client.close())
    .then(() => process.send?.({ kind: 'back' }, () => process.exit(0)));
});
