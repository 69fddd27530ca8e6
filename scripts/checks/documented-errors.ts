import { posix } from 'node:path';
import { codeOnly } from '../support/imports.ts';
import type { Check, SourceFile } from '../support/sources.ts';

const ENTRIES = ['index.ts', 'level.ts', 'sagas/index.ts'].map((name) => `packages/client/src/${name}`);
const DOCUMENT = 'docs/errors.md';
const CODE = /\b(?:HOLDFAST|LEVEL)_[A-Z][A-Z_]*[A-Z]\b/g;

/** A function, or a member of a class, that its users call. */
interface Callable {
  readonly path: string;
  readonly line: number;
  /** With that of its class before it. */
  readonly name: string;
  readonly comment: string;
  readonly canFail: boolean;
}

/**
 * What the client's entry points export says by which codes it fails: each public method and function that gives a promise or
 * an async iterator, or throws. In a line of `@throws`, by `{@inheritDoc}`, or with the words that it never rejects. What
 * overrides a method of abstract-level is documented there.
 */
export const checkDocumentedErrors: Check = (files) => {
  const documented = new Set(files.find(({ path }) => path === DOCUMENT)?.text.match(CODE) ?? []);
  const callables = [...exported(files)].flatMap(([file, names]) => callablesOf(file, names));
  if (callables.length === 0) return [`${ENTRIES[0]}: nothing is exported`];
  const names = new Set(callables.map(({ name }) => name));
  return callables.flatMap((callable) =>
    problemsOf(callable, names, documented).map(
      (problem) => `${callable.path}:${callable.line}: ${callable.name}: ${problem}`,
    ),
  );
};

function problemsOf(
  { comment, canFail }: Callable,
  names: ReadonlySet<string>,
  documented: ReadonlySet<string>,
): string[] {
  const inherited = /\{@inheritDoc ([\w.]+)\}/.exec(comment)?.[1];
  if (inherited !== undefined) return names.has(inherited) ? [] : [`there is no ${inherited}`];
  const throws = /@throws\b([\s\S]*)/.exec(comment)?.[1];
  if (throws === undefined) return canFail && !/\bnever rejects\b/i.test(comment) ? ['no @throws'] : [];
  const codes = throws.match(CODE) ?? [];
  const strange = codes.filter((code) => code.startsWith('HOLDFAST_') && !documented.has(code));
  return codes.length === 0 ? ['@throws without a code'] : strange.map((code) => `there is no ${code}`);
}

/** Their files, each with the names that the entry points export from it, and the classes that these are made of. */
function exported(files: readonly SourceFile[]): Map<SourceFile, Set<string>> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found = new Map<SourceFile, Set<string>>();
  const visit = (path: string, name: string): void => {
    const file = byPath.get(path);
    const known = file && found.get(file);
    if (file === undefined || known?.has(name)) return;
    found.set(file, new Set(known).add(name));
    const made = new RegExp(`\\b(?:class ${name}\\b[^{]*? extends|type ${name}<[^;]*? = Pick<)\\s+(\\w+)`);
    const base = made.exec(file.text)?.[1] ?? '';
    if (base === '') return;
    visit(path, base);
    for (const [names, from] of namesIn(file.text, 'import'))
      if (names.includes(base)) visit(posix.join(posix.dirname(path), from), base);
  };
  for (const path of ENTRIES) {
    const text = byPath.get(path)?.text ?? '';
    for (const [names, from] of namesIn(text, 'export'))
      for (const name of names) visit(posix.join(posix.dirname(path), from), name);
    for (const [, name = ''] of text.matchAll(/^export class (\w+)/gm)) visit(path, name);
  }
  return found;
}

function namesIn(text: string, word: 'import' | 'export'): [names: string[], from: string][] {
  const statements = text.matchAll(new RegExp(`^${word} (?:type )?\\{([^}]*)\\} from '(\\.[^']+)';`, 'gm'));
  return [...statements].map(([, names = '', from = '']) => [names.match(/\w+/g) ?? [], from]);
}

/** What stands in a class, or beside it, that is not hidden from users nor documented in abstract-level. */
const START =
  /^(?<indent> {2}|export )(?:abstract )?(?<modifier>async |get )?(?:function )?(?<name>[a-z]\w*)(?=[<(])/;
const FAILS = /\b(throw|throwIfAborted|invalidOption|(?<!#)checked\w+|requiredTtl)\b/;
const GIVES = /\): (Promise|\w*Watch|EventFeed|Async\w+)\b/;

function callablesOf({ path, text }: SourceFile, wanted: ReadonlySet<string>): Callable[] {
  const found: Callable[] = [];
  const lines = text.split('\n');
  let owner = '';
  let comment = '';
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    owner = /^export (?:abstract )?class (\w+)/.exec(line)?.[1] ?? (line === '}' ? '' : owner);
    if (/^ *\/\*\*/.test(line)) {
      const first = at;
      while (!lines[at]?.includes('*/')) at += 1;
      comment = lines.slice(first, at + 1).join(' ');
      continue;
    }
    const { indent = '', modifier, name = '' } = START.exec(line)?.groups ?? {};
    if (indent.startsWith(' ') ? wanted.has(owner) : wanted.has(name)) {
      const first = at;
      const isEnd = (each = ''): boolean =>
        /^(?: {2})?\}$/.test(each) || (each.endsWith(';') && !/^ {4}/.test(each));
      while (at < lines.length - 1 && !isEnd(lines[at])) at += 1;
      const code = codeOnly(lines.slice(first, at + 1).join('\n'));
      const canFail = modifier === 'async ' || GIVES.test(code) || FAILS.test(code);
      const whole = owner === '' ? name : `${owner}.${name}`;
      // An overload is documented with the first.
      if (comment === '' && found.at(-1)?.name === whole) continue;
      found.push({ path, line: first + 1, name: whole, comment, canFail });
    }
    comment = '';
  }
  return found;
}
