import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { NODE_FLAGS } from '@holdfast/types';
import { NODE_COMPILE_CACHE, nodeProgram } from '../node-program.ts';
import type { NodeOrder, NodeReport } from './node-order.ts';

const LOG_TAIL_BYTES = 3000;

export interface NodeHandleOptions {
  readonly id: string;
  /** Where its output goes. */
  readonly log: string;
  /** What the node is told, by option key. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** A command that runs the command line after it, such as `ip netns exec n1`. */
  readonly launcher: readonly string[];
  readonly rehearses: boolean;
}

/** One life of one node process. */
export class NodeHandle {
  readonly #options: NodeHandleOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #pid: number | undefined;
  #isGone = false;
  #guard: ChildProcess | undefined;
  readonly #killOnExit = (): void => this.signal('SIGKILL');

  private constructor(options: NodeHandleOptions) {
    this.#options = options;
    const [command = process.execPath, ...before] = [...options.launcher, process.execPath, ...NODE_FLAGS];
    const log = openSync(options.log, 'a');
    const args = [JSON.stringify(options.flags), ...(options.rehearses ? ['--rehearses'] : [])];
    this.#child = spawn(command, [...before, nodeProgram('cluster'), ...args], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { NODE_COMPILE_CACHE, ...process.env },
    });
    closeSync(log);
    process.on('exit', this.#killOnExit);
    this.#exited = once(this.#child, 'exit').then(([code]: (number | null)[]) => {
      this.#isGone = true;
      process.off('exit', this.#killOnExit);
      this.#releaseGuard();
      return code ?? null;
    });
  }

  /** Resolves when it listens and has opened its data; rejects with what it printed if it ends before. */
  static async start(options: NodeHandleOptions): Promise<NodeHandle> {
    const handle = new NodeHandle(options);
    const up = once(handle.#child, 'message') as Promise<[NodeReport]>;
    const ended = handle.#exited.then((code) => {
      throw new Error(`${options.id} ended with ${code} before it was up:\n${handle.logTail()}`);
    });
    const [report] = await Promise.race([up, ended]);
    if (report.kind === 'up') handle.#pid = report.pid;
    return handle;
  }

  /** Of the node itself, not of the command that started it. */
  get pid(): number {
    const pid = this.#pid ?? this.#child.pid;
    if (pid === undefined) throw new Error(`${this.#options.id} has no process`);
    return pid;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** At once; the signal may have an effect a moment later. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#isGone) process.kill(this.pid, signal);
  }

  /** Sends it and resolves when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.signal(signal);
    await this.#exited;
  }

  /** SIGSTOP. Frozen, it would not notice that its parent is gone, so somebody watches for it. */
  pause(): void {
    this.signal('SIGSTOP');
    this.#guard = spawn('sh', ['-c', `read line || kill -KILL ${this.pid}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#guard.unref();
  }

  resume(): void {
    this.signal('SIGCONT');
    this.#releaseGuard();
  }

  /** Resolves when the node has taken the order, before it suffers from it. */
  async order(order: NodeOrder): Promise<void> {
    const obeyed = once(this.#child, 'message');
    this.#child.send(order);
    await obeyed;
  }

  logTail(): string {
    return readFileSync(this.#options.log, 'utf8').slice(-LOG_TAIL_BYTES);
  }

  #releaseGuard(): void {
    this.#guard?.stdin?.end('\n');
    this.#guard = undefined;
  }
}
