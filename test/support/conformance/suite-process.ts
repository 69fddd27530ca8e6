// abstract-level's own test suite, in a process of its own, which is what it is written for: its tests end when the
// process does, and what they leave behind ends with it. Run by runSuite: node suite-process.ts '<subject as JSON>'
import { Level } from '@holdfast/client/level';
import { MemoryLevel } from 'memory-level';
import type { FailedAssertion, SuiteReport, SuiteSubject } from './suite-report.ts';
import { createHarness, suite, type TapeRow } from './tape-suite.ts';

const subject = JSON.parse(process.argv[2] ?? '') as SuiteSubject;
let databases = 0;

/** Every test wants an empty database of its own. */
function factory(options?: object): unknown {
  databases += 1;
  if (subject.kind === 'memory') return new MemoryLevel(options);
  return new Level(`${subject.location}?namespace=conformance%20${databases}`, options);
}

const startedAt = performance.now();
const titles = new Map<number, string>();
const passed: Record<string, number> = {};
const failed: FailedAssertion[] = [];
const harness = createHarness();
const rows = harness.createStream({ objectMode: true });
suite({ test: harness, factory });

rows.on('data', (row: TapeRow) => {
  if (row.type === 'test') titles.set(row.id ?? -1, row.name ?? '');
  if (row.type !== 'assert') return;
  const run = row.test ?? -1;
  const test = titles.get(run) ?? 'unknown';
  if (row.ok) passed[test] = (passed[test] ?? 0) + 1;
  else failed.push({ test, run, assertion: row.name ?? '', codes: codesOf(row), error: wordsOf(row) });
});
rows.on('end', () => {
  const report: SuiteReport = { passed, failed, databases, ms: performance.now() - startedAt };
  process.send?.(report, () => process.exit(0));
});

function codesOf({ error, actual }: TapeRow): string[] {
  const codes: string[] = [];
  // What a test found in place of what it expected is `actual`; what ended it is `error`.
  for (const thrown of [error, actual])
    for (let next = thrown; next instanceof Error; next = next.cause)
      if ('code' in next) codes.push(String(next.code));
  // Or only its code was compared.
  if (typeof actual === 'string') codes.push(actual);
  return codes;
}

function wordsOf({ error, actual, expected }: TapeRow): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  return `${code ?? ''} ${error} (${cause ?? ''}): ${JSON.stringify({ actual, expected })}`;
}
