import type { Check } from '../support/sources.ts';

const LINES_MAX = 500;

/** A source file past 500 lines is two things. */
export const checkFileLength: Check = (files) =>
  files
    .filter(({ path }) => path.endsWith('.ts'))
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines, at most ${LINES_MAX}`);
