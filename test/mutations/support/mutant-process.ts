import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { MutantAnswer, MutantQuestion } from './mutant-main.ts';

/** What the modules of so many mutants take of memory is little; then another process takes over. */
const MUTANTS_MAX = 40;

/** Loads mutants and runs schedules on them, in a process of its own that is asked one thing at a time. */
export class MutantProcess {
  #child: ChildProcess | undefined;
  #loaded = 0;

  /** Rejects if it is the simulator itself that fails: that finds no bug. */
  async ask(question: MutantQuestion): Promise<MutantAnswer> {
    if (this.#loaded === MUTANTS_MAX) this.end();
    this.#loaded += 1;
    this.#child ??= start();
    const child = this.#child;
    return await new Promise((resolve, reject) => {
      const onEnd = (code: number | null): void =>
        reject(new Error(`the mutant ended with ${code} and said nothing`));
      child.once('exit', onEnd);
      child.once('message', (message) => {
        child.off('exit', onEnd);
        const answer = message as MutantAnswer;
        if (answer.found?.kind === 'simulator')
          reject(new Error(`the simulator itself failed with ${question.name}: ${answer.found.message}`));
        else resolve(answer);
      });
      child.send(question);
    });
  }

  end(): void {
    this.#child?.disconnect();
    this.#child = undefined;
    this.#loaded = 0;
  }
}

function start(): ChildProcess {
  const main = join(import.meta.dirname, 'mutant-main.ts');
  // Taking types away by a call is said to be experimental, which is known.
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
