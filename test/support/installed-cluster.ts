import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from './cluster/free-ports.ts';
import { runCommand } from './command.ts';

const IDS = ['n1', 'n2', 'n3'];
/** Commands wait for a primary by themselves, so long at most. */
const TIMEOUT = '30s';

/** Three nodes run by the `holdfast` that npm put into `node_modules/.bin`, as somebody without a clone would. */
export class InstalledCluster {
  readonly urls: string;
  readonly #directory: string;
  readonly #processes = new Map<string, ChildProcess>();

  /** Resolves when the processes are started, which may be before they answer. */
  static async start(directory: string): Promise<InstalledCluster> {
    return new InstalledCluster(directory, await freePorts(IDS.length));
  }

  private constructor(directory: string, ports: readonly number[]) {
    this.#directory = directory;
    this.urls = ports.map((port) => `ws://127.0.0.1:${port}`).join(',');
    const peers = IDS.map((id, at) => `${id}=ws://127.0.0.1:${ports[at]}`).join(',');
    for (const [at, id] of IDS.entries()) {
      const log = openSync(this.#logOf(id), 'a');
      const args = ['--id', id, '--listen', `127.0.0.1:${ports[at]}`, '--data', join(directory, id)];
      // It ends with the pipe to this process, however the test ends.
      const child = spawn(this.#program, ['node', ...args, '--peers', peers, '--stop-with-parent'], {
        cwd: directory,
        stdio: ['pipe', log, log],
      });
      closeSync(log);
      this.#processes.set(id, child);
    }
  }

  /** Runs a command that talks to the cluster; returns what it printed, throws if it does not end with 0. */
  run(...args: readonly string[]): string {
    try {
      return runCommand(this.#program, [...args, '--url', this.urls, '--timeout', TIMEOUT], this.#directory);
    } catch (cause) {
      const logs = IDS.map((id) => `${id}:\n${readFileSync(this.#logOf(id), 'utf8').slice(-2000)}`);
      throw new Error(`the nodes said:\n${logs.join('\n')}`, { cause });
    }
  }

  async kill(id: string): Promise<void> {
    const child = this.#processes.get(id) as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    const running = [...this.#processes.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.stdin?.end();
    await Promise.all(ended);
  }

  get #program(): string {
    return join(this.#directory, 'node_modules/.bin/holdfast');
  }

  #logOf(id: string): string {
    return join(this.#directory, `${id}.log`);
  }
}
