import type { Check, SourceFile } from '../support/sources.ts';

const TABLE = 'packages/types/src/errors.ts';
const DOCUMENT = 'docs/errors.md';
const CODE = /\bHOLDFAST_[A-Z][A-Z_]*[A-Z]\b/g;

/** Every error code is made somewhere, documented, and provoked by a test; no document names another. */
export const checkErrorCodes: Check = (files) => {
  const table = files.find(({ path }) => path === TABLE);
  if (table === undefined) return [`${TABLE} is missing`];
  const codes = [...table.text.matchAll(/^\s+(HOLDFAST_[A-Z_]+): \{/gm)].map((match) => match[1] as string);
  if (codes.length === 0) return [`${TABLE}: no codes found`];
  const documented = codesIn(files.filter(({ path }) => path === DOCUMENT));
  const made = codesIn(files.filter(({ path }) => isSource(path)));
  const tested = codesIn(files.filter(({ path }) => isTest(path)));
  const problems: string[] = [];
  for (const code of codes) {
    if (!documented.has(code)) problems.push(`${DOCUMENT}: ${code} is not documented`);
    if (!made.has(code)) problems.push(`${TABLE}: ${code} is never made`);
    if (!tested.has(code)) problems.push(`${TABLE}: no test provokes ${code}`);
  }
  for (const code of documented) {
    if (!codes.includes(code) && !ENVIRONMENT.has(code)) problems.push(`${DOCUMENT}: there is no ${code}`);
  }
  return problems;
};

/** Named like codes: variables that configure. */
const ENVIRONMENT = new Set(['HOLDFAST_URL', 'HOLDFAST_LONG', 'HOLDFAST_SEED']);

function codesIn(files: readonly SourceFile[]): Set<string> {
  return new Set(files.flatMap(({ text }) => text.match(CODE) ?? []));
}

function isSource(path: string): boolean {
  return /^packages\/[^/]+\/(src|bin)\/.*\.ts$/.test(path) && path !== TABLE;
}

/** The tests of the checks name codes without provoking them. */
function isTest(path: string): boolean {
  return /^(packages\/[^/]+\/test|test)\/.*\.(ts|txt|json)$/.test(path) && !path.startsWith('test/checks/');
}
