import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from '../../../scripts/support/workspace.ts';
import type { MutantAnswer } from './mutant-main.ts';
import type { Mutation } from './mutation.ts';

const PACKAGES = ['types', 'io', 'core', 'wire', 'wal', 'store', 'server', 'client', 'check', 'sim'];
const LEFT_OUT: ReadonlySet<string> = new Set(['test', 'dist', '.bin']);

/** A copy of the packages with a bug in it, in a directory of its own. */
export class Mutant {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined: the patch applies to the workspace as it is. */
  static whyNotApplied({ patchPath }: Mutation): string | undefined {
    const { status, stderr } = spawnSync('git', ['apply', '--check', patchPath], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return status === 0 ? undefined : stderr;
  }

  /** Throws if the patch does not apply. */
  static make(mutation: Mutation): Mutant {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-mutant-'));
    const mutant = new Mutant(directory);
    for (const name of PACKAGES)
      cpSync(join(ROOT, 'packages', name), join(directory, 'packages', name), {
        recursive: true,
        // Packages of the workspace are linked by paths that lead to the copies; all others to where they are.
        verbatimSymlinks: true,
        filter: (path) => !LEFT_OUT.has(basename(path)),
      });
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const { status, stderr } = spawnSync('git', ['apply', mutation.patchPath], {
      cwd: directory,
      encoding: 'utf8',
    });
    if (status === 0) return mutant;
    mutant.remove();
    throw new Error(`${mutation.name} does not apply any more: ${stderr}`);
  }

  /** Runs a schedule. */
  replay(schedulePath: string): Promise<MutantAnswer> {
    return this.#ask(['replay', schedulePath]);
  }

  /** Tries seeds from the first one on, for so long, and makes smaller what fails. */
  search(options: {
    readonly firstSeed: number;
    readonly cpuSeconds: number;
    readonly shrinkSeconds: number;
  }): Promise<MutantAnswer> {
    const { firstSeed, cpuSeconds, shrinkSeconds } = options;
    return this.#ask(['search', String(firstSeed), String(cpuSeconds), String(shrinkSeconds)]);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #ask(words: readonly string[]): Promise<MutantAnswer> {
    const main = join(import.meta.dirname, 'mutant-main.ts');
    const simulator = join(this.#directory, 'packages/sim/src/index.ts');
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [main, simulator, ...words], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      let answer: MutantAnswer | undefined;
      child.on('message', (message) => {
        answer = message as MutantAnswer;
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        if (answer === undefined) reject(new Error(`the mutant ended with ${code} and said nothing`));
        else resolve(answer);
      });
    });
  }
}
