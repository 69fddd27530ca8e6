import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseSchedule, RunFailure, trySchedule } from '../src/index.ts';

const FOLDER = new URL('regressions/', import.meta.url);
const FILES = readdirSync(FOLDER).sort();

it.each(FILES)('%s, which failed once, passes', async (file) => {
  const outcome = await trySchedule(parseSchedule(readFileSync(new URL(file, FOLDER), 'utf8')));
  if (outcome instanceof RunFailure)
    throw new Error(`${outcome.kind}: ${outcome.message}`, { cause: outcome });
  expect(outcome.digest).toMatch(/^[0-9a-f]+$/);
});
