import { expect, it } from 'vitest';
import { checkErrorCodes } from '../../scripts/checks/error-codes.ts';
import { tree } from './tree.ts';

const good = {
  'packages/types/src/errors.ts':
    "export const ERROR_CODES = {\n  HOLDFAST_NO_PRIMARY: { outcome: 'x' },\n};\n",
  'packages/core/src/a.ts': "throw new HoldfastError('HOLDFAST_NO_PRIMARY', 'no primary');",
  'packages/core/test/a.test.ts': "expect(code).toBe('HOLDFAST_NO_PRIMARY');",
  'docs/errors.md': '## HOLDFAST_NO_PRIMARY\n\nSet `HOLDFAST_URL`.',
};

it('accepts codes that are made, documented and provoked', () => {
  expect(checkErrorCodes(tree(good))).toEqual([]);
});

it.each([
  ['packages/core/src/a.ts', 'packages/types/src/errors.ts: HOLDFAST_NO_PRIMARY is never made'],
  ['packages/core/test/a.test.ts', 'packages/types/src/errors.ts: no test provokes HOLDFAST_NO_PRIMARY'],
  ['docs/errors.md', 'docs/errors.md: HOLDFAST_NO_PRIMARY is not documented'],
])('misses it in %s', (path, problem) => {
  expect(checkErrorCodes(tree({ ...good, [path]: 'HOLDFAST_NO' }))).toContain(problem);
});

it('refuses a documented code that is none', () => {
  const files = { ...good, 'docs/errors.md': `${good['docs/errors.md']}\n## HOLDFAST_GONE` };
  expect(checkErrorCodes(tree(files))).toEqual(['docs/errors.md: there is no HOLDFAST_GONE']);
});

it('does not pass for want of a table', () => {
  expect(checkErrorCodes([])).toEqual(['packages/types/src/errors.ts is missing']);
  expect(checkErrorCodes(tree({ ...good, 'packages/types/src/errors.ts': '' }))).toEqual([
    'packages/types/src/errors.ts: no codes found',
  ]);
});
