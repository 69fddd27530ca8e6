import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Timeline } from './timeline.ts';

const BROWSER = join(import.meta.dirname, 'browser');
/** In the order in which they need each other. */
const SCRIPTS = [
  '../timeline',
  'model',
  'viewport',
  'lanes',
  'paint',
  'draw-lanes',
  'draw-messages',
  'find',
  'details',
  'story',
  'main',
];

/** One self-contained page that shows a run: it loads nothing, and nothing in it may. */
export function simPage(timeline: Timeline): string {
  const script = SCRIPTS.map((name) => browserCode(readFileSync(join(BROWSER, `${name}.ts`), 'utf8'))).join(
    '\n',
  );
  const data = gzipSync(JSON.stringify(timeline)).toString('base64');
  const parts: readonly (readonly [empty: string, filled: string])[] = [
    ['<title>Simulated run</title>', `<title>Simulated run: ${escaped(timeline.title)}</title>`],
    ['<style></style>', `<style>${readFileSync(join(BROWSER, 'page.css'), 'utf8')}</style>`],
    ['id="data"></script>', `id="data">${data}</script>`],
    ['<script type="module"></script>', `<script type="module">${script}</script>`],
  ];
  let page = readFileSync(join(BROWSER, 'page.html'), 'utf8');
  for (const [empty, filled] of parts) {
    assert.ok(page.includes(empty), `page.html has no ${empty}`);
    page = page.replace(empty, () => filled);
  }
  return page;
}

/** The modules become one: their names differ, so that imports and exports can just go. */
function browserCode(text: string): string {
  const code = stripTypeScriptTypes(text);
  return code.replace(/^import [^;]*;$/gms, '').replace(/^export /gm, '');
}

function escaped(text: string): string {
  const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (sign) => signs[sign] ?? sign);
}
