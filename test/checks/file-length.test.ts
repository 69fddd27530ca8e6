import { expect, it } from 'vitest';
import { checkFileLength } from '../../scripts/checks/file-length.ts';
import { tree } from './tree.ts';

it('counts lines of source', () => {
  const files = tree({
    'packages/core/src/long.ts': 'a;\n'.repeat(501),
    'packages/core/src/full.ts': 'a;\n'.repeat(500),
    'docs/long.md': 'a\n'.repeat(900),
  });
  expect(checkFileLength(files)).toEqual(['packages/core/src/long.ts: 501 lines, at most 500']);
});
