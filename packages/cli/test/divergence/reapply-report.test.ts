import { beforeEach, expect, it } from 'vitest';
import type { DivergedWrite } from '../../src/divergence/diverged-entries.ts';
import type { ReapplyResult } from '../../src/divergence/reapply.ts';
import { isLeftOut, reportReapplied } from '../../src/divergence/reapply-report.ts';
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

function report(results: readonly ReapplyResult[], json: boolean): void {
  const streams = { stdout: sink((text) => (stdout += text)), stderr: sink((text) => (stderr += text)) };
  const output = new Output(streams, {}, () => undefined);
  const writes = results.map((_, at) => ({ place: at + 3 }) as DivergedWrite);
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

it.each([
  [{ kind: 'partial', open: 1, key, revision: 9 }, true],
  [{ kind: 'begun', by: 'default.5.2' }, true],
  [{ kind: 'conflict', key, revision: 9 }, true],
  [{ kind: 'undecided' }, true],
  [{ kind: 'reapplied', keys: 1, revision: 9 }, false],
  [{ kind: 'repeated' }, false],
  [{ kind: 'survived' }, false],
] as const)('whether something is left out: %o', (result, expected) => {
  expect(isLeftOut(result)).toBe(expected);
});
