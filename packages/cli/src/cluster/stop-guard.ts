import { type ChildProcess, spawn } from 'node:child_process';

/** Keeps the newest list it is told; when nobody is left to tell it anything, lets the processes on it run. */
const SCRIPT = 'while read -r line; do pids="$line"; done; [ -z "$pids" ] || kill -CONT $pids 2>/dev/null';

/**
 * A node ends when the pipe from its `up` does. One that is paused cannot notice that: if `up` is killed, it would
 * stay for ever, with its port and its directory. This small process outlives `up` by an instant and wakes it.
 */
export class StopGuard {
  readonly #shell: ChildProcess | undefined;

  constructor() {
    // There is no SIGSTOP on Windows.
    if (process.platform === 'win32') return;
    this.#shell = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  /** All nodes that run now. */
  watch(pids: readonly number[]): void {
    this.#shell?.stdin?.write(`${pids.join(' ')}\n`);
  }

  close(): void {
    this.#shell?.kill('SIGKILL');
  }
}
