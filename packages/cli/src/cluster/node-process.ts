import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { NODE_FLAGS } from '@holdfast/types';

/** A log beyond this is put aside at the next start, over the one put aside before. */
const LOG_BYTES_MAX = 16 * 2 ** 20;
const LAST_WORDS_MAX = 2000;

export interface NodeProcessState {
  readonly id: string;
  readonly url: string;
  readonly pid: number | null;
  readonly state: 'running' | 'paused' | 'ended';
  /** Of one that ended: why, for a person. */
  readonly reason: string | null;
}

export interface NodeProcessEnd {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `exit status 1: HOLDFAST_…`, `SIGKILL`. */
  readonly reason: string;
}

export interface NodeProcessOptions {
  /** The file of the command line. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logPath: string;
}

/**
 * A child process that is one node. It has a session of its own, so that Ctrl-C in the terminal reaches `up` alone,
 * and ends when the pipe to it does: no node outlives its `up`, however that ends.
 */
export class NodeProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<NodeProcessEnd>;
  readonly #child: ChildProcess;
  #lastWords = '';
  #end: NodeProcessEnd | undefined;

  constructor({ program, args, env, logPath }: NodeProcessOptions) {
    const log = openLog(logPath);
    this.#child = spawn(process.execPath, [...process.execArgv, ...NODE_FLAGS, program, 'node', ...args], {
      stdio: ['pipe', log, 'pipe'],
      detached: true,
      env,
    });
    closeSync(log);
    // Writing to one that has just died.
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_MAX);
    });
    this.ended = new Promise((resolve) => {
      let at = 0;
      this.#child.once('error', (error) => resolve(this.#setEnd({ at: Date.now(), reason: error.message })));
      this.#child.once('exit', () => {
        at = Date.now();
      });
      // After `exit`, when its last words are read.
      this.#child.once('close', (code, signal) => {
        resolve(this.#setEnd({ at, reason: this.#reasonOf(code, signal) }));
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get end(): NodeProcessEnd | undefined {
    return this.#end;
  }

  get isPaused(): boolean {
    return this.#end === undefined && this.pid !== undefined && isStopped(this.pid);
  }

  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  /** Lets it end as its parent's end would. */
  release(): void {
    this.#child.stdin?.end();
  }

  #setEnd(end: NodeProcessEnd): NodeProcessEnd {
    this.#end = end;
    return end;
  }

  #reasonOf(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal !== null) return signal;
    const words = this.#lastWords.trim().split('\n').slice(-3).join(' ');
    return words === '' ? `exit status ${code}` : `exit status ${code}: ${words}`;
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return openSync(path, 'a');
}

/** Whoever stopped it. False where the system does not tell. */
function isStopped(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything but ends at the last parenthesis.
    return line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3) === 'T';
  } catch {
    return false;
  }
}
