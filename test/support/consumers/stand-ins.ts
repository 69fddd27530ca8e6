import type { ResolveHookSync } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = (file: string): string => pathToFileURL(join(import.meta.dirname, file)).href;

/** What moves a program from `level` to Holdfast: one import. The rest are helpers of tests, which weigh hundreds of packages. */
const STAND_INS: ReadonlyMap<string, string> = new Map([
  ['level', here('level-stand-in.ts')],
  ['classic-level', here('level-stand-in.ts')],
  ['memory-level', here('level-stand-in.ts')],
  ['aegir/chai', here('chai-stand-in.ts')],
  ['ipfs-utils/src/temp-dir.js', here('temporary-stand-in.ts')],
]);
/** Tests that were copied name their package by its place in the repository that they are from. */
const COPIED = /\/test\/consumers\/theirs\/([^/]+)\//;
const OWN_PACKAGE = new Set(['.', '../src/index.js']);

/** Where imports lead, in the tests and in the packages alike. */
export const standIns: ResolveHookSync = (specifier, context, next) => {
  const url = STAND_INS.get(specifier);
  if (url !== undefined) return { url, shortCircuit: true };
  const name = COPIED.exec(context.parentURL ?? '')?.[1];
  if (name !== undefined && OWN_PACKAGE.has(specifier)) return next(name, context);
  try {
    return next(specifier, context);
  } catch (error) {
    // What tests need beside what their package depends on: of the copied ones, what it does depend on.
    const besides = name === undefined ? import.meta.url : next(name, context).url;
    if (besides === context.parentURL) throw error;
    return next(specifier, { ...context, parentURL: besides });
  }
};
