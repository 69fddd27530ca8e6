import { execFileSync } from 'node:child_process';
import { ROOT } from '../../scripts/support/workspace.ts';

/** Where seeds that nobody has run before begin, and how that came about. */
export interface FreshSeeds {
  readonly first: number;
  readonly why: string;
}

/** What begins so far apart does not meet. */
const APART = 1000;
/** Of the name of a tree, so that all seeds are safe integers. */
const DIGITS = 10;

/**
 * Drawn from what is checked out: every commit tries other seeds, and one that fails does so again, on whatever machine.
 * With changes that are not committed, or without git, they are others each time. `HOLDFAST_FRESH_SEED` says where they begin.
 */
export function freshSeeds(): FreshSeeds {
  const given = process.env.HOLDFAST_FRESH_SEED;
  if (given !== undefined) return { first: Number(given), why: 'as HOLDFAST_FRESH_SEED says' };
  const tree = committedTree();
  return tree === undefined
    ? { first: Math.floor(Date.now() / 1000) * APART, why: 'by the time: what is here is not committed' }
    : seedsOf(tree);
}

/** `tree`: its name in hexadecimal. */
export function seedsOf(tree: string): FreshSeeds {
  return {
    first: Number.parseInt(tree.slice(0, DIGITS), 16) * APART,
    why: `drawn from the tree ${tree.slice(0, DIGITS)}`,
  };
}

/** Undefined if there are changes to it, or no git. */
function committedTree(): string | undefined {
  try {
    return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD^{tree}') : undefined;
  } catch {
    return undefined;
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
