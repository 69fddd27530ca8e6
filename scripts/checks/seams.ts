import { codeOnly, importsOf } from '../support/imports.ts';
import type { Check, SourceFile } from '../support/sources.ts';

/** The real seams, and the command line, which no simulation runs. */
const EXEMPT = ['io', 'cli'];

/** Simulated time stands still until real work that was begun is done: only the real event loop can tell. */
const EXEMPT_FILES = ['packages/sim/src/sim-clock.ts'];

const MODULES =
  /^(node:)?(fs|fs\/promises|net|tls|dgram|dns|http|https|http2|child_process|cluster|timers|timers\/promises|perf_hooks|worker_threads)$|^ws$/;

const CALLS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bDate\s*\.\s*now\b/g, 'Clock'],
  [/\bnew\s+Date\s*\(\s*\)/g, 'Clock'],
  [/\bperformance\s*\.\s*now\b/g, 'Clock'],
  [/\bprocess\s*\.\s*(hrtime|uptime)\b/g, 'Clock'],
  [/(?<![.\w#])(setTimeout|setInterval|setImmediate)\b/g, 'Clock'],
  [/\bglobalThis\s*\.\s*(setTimeout|setInterval|setImmediate)\b/g, 'Clock'],
  [/\bAbortSignal\s*\.\s*timeout\b/g, 'Clock'],
  [/\bMath\s*\.\s*random\b/g, 'Random'],
  [/\b(randomBytes|randomUUID|randomInt|getRandomValues)\b/g, 'Random'],
  [/\bnew\s+WebSocket\b/g, 'Transport'],
];

/** Time, randomness, files and sockets are reached through the four seams, so that all of it can be simulated. */
export const checkSeams: Check = (files) =>
  files.filter(({ path }) => isBehindSeams(path)).flatMap(problemsOf);

function isBehindSeams(path: string): boolean {
  const folder = /^packages\/([^/]+)\/src\/.*\.ts$/.exec(path)?.[1];
  return folder !== undefined && !EXEMPT.includes(folder) && !EXEMPT_FILES.includes(path);
}

function problemsOf({ path, text }: SourceFile): string[] {
  const problems = importsOf(text)
    .filter(({ specifier, isTypeOnly }) => !isTypeOnly && MODULES.test(specifier))
    .map(({ specifier, line }) => `${path}:${line}: ${specifier}: use a seam of @holdfast/types`);
  const code = codeOnly(text);
  for (const [pattern, seam] of CALLS) {
    for (const match of code.matchAll(pattern)) {
      const line = code.slice(0, match.index).split('\n').length;
      problems.push(`${path}:${line}: ${match[0]}: use the ${seam} seam`);
    }
  }
  return problems;
}
