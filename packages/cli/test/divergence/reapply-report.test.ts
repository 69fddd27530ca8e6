import { HoldfastError } from '@holdfast/types';
import { beforeEach, expect, it } from 'vitest';
import type { DivergedWrite } from '../../src/divergence/diverged-entries.ts';
import type { ReapplyResult } from '../../src/divergence/reapply.ts';
import { reportReapplied, statusOf } from '../../src/divergence/reapply-report.ts';
import { Output, type TextSink } from '../../src/output.ts';

let stdout = '';
let stderr = '';

beforeEach(() => {
  stdout = '';
  stderr = '';
});

function sink(take: (text: string) => void): TextSink {
  return { write: (text) => take(String(text)), on: () => undefined };
}

function report(results: readonly ReapplyResult[], json: boolean, writeCount = results.length): void {
  const streams = { stdout: sink((text) => (stdout += text)), stderr: sink((text) => (stderr += text)) };
  const output = new Output(streams, {}, () => undefined);
  const writes = Array.from({ length: writeCount }, (_, at) => ({ place: at + 3 }) as DivergedWrite);
  reportReapplied({ id: 'default.7.2', writes }, results, { output, json });
}

const key = Buffer.from('k');

it('says of a write that came back in part what is there and what is not', () => {
  report([{ kind: 'partial', open: 100, key, revision: 9 }], false);
  expect(stderr).toContain('of 1 writes 1 applied again in part');
  expect(stderr).toMatch(/write 3: .*a part of the write is there again, 100 keys of it are not/);
  expect(stderr).not.toContain('nothing was done');
  report([{ kind: 'partial', open: 100, key, revision: 9 }], true);
  expect(JSON.parse(stdout)).toEqual({
    id: 'default.7.2',
    write: 3,
    result: 'partial',
    open: 100,
    key: key.toString('base64'),
    encoding: 'base64',
    revision: 9,
  });
});

it('names the entry that brings a call to its end', () => {
  report([{ kind: 'begun', by: 'default.5.2' }], false);
  expect(stderr).toMatch(/write 3: .*in part, which only default\.5\.2 can bring to its end/);
});

const unknown = new HoldfastError('HOLDFAST_OUTCOME_UNKNOWN', 'gone');
const unreachable = new HoldfastError('HOLDFAST_NO_PRIMARY', 'nobody');
const tooLarge = new HoldfastError('HOLDFAST_REQUEST_TOO_LARGE', 'too large');

it.each([
  [{ kind: 'partial', open: 1, key, revision: 9 }, 1],
  [{ kind: 'begun', by: 'default.5.2' }, 1],
  [{ kind: 'conflict', key, revision: 9 }, 1],
  [{ kind: 'undecided' }, 1],
  [{ kind: 'reapplied', keys: 1, revision: 9 }, 0],
  [{ kind: 'repeated' }, 0],
  [{ kind: 'survived' }, 0],
  [{ kind: 'failed', keys: 0, error: unknown }, 4],
  [{ kind: 'failed', keys: 0, error: unreachable }, 3],
  [{ kind: 'failed', keys: 200, error: unreachable }, 4],
  [{ kind: 'failed', keys: 0, error: tooLarge }, 1],
] as const)('ends with the status of the worst: %o', (result, expected) => {
  expect(statusOf([{ kind: 'repeated' }, result, { kind: 'survived' }])).toBe(expected);
});

it('tells what was done before a write that failed, what is known of that, and that it ended there', () => {
  const results = [
    { kind: 'reapplied', keys: 1, revision: 9 },
    { kind: 'failed', keys: 0, error: unknown },
  ] as const;
  report(results, false, 5);
  expect(stderr).toContain('of 2 writes 1 applied again, 1 met an error');
  expect(stderr).toMatch(/write 4: HOLDFAST_OUTCOME_UNKNOWN: gone; it may be there again/);
  expect(stderr).toContain('3 more of its writes were not tried');
  report(results, true, 5);
  const [first, second] = stdout.trimEnd().split('\n');
  expect(JSON.parse(first as string)).toMatchObject({ write: 3, result: 'reapplied' });
  expect(JSON.parse(second as string)).toEqual({
    id: 'default.7.2',
    write: 4,
    result: 'failed',
    keys: 0,
    error: 'HOLDFAST_OUTCOME_UNKNOWN',
    message: 'gone',
    outcome: 'unknown',
  });
});

it('tells how much of a write came back before it failed', () => {
  report([{ kind: 'failed', keys: 200, error: unknown }], false);
  expect(stderr).toContain('200 keys of the write are there again, the others may be');
  report([{ kind: 'failed', keys: 0, error: tooLarge }], false);
  expect(stderr).toContain('HOLDFAST_REQUEST_TOO_LARGE: too large; nothing was done');
});
