import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { runCommand } from '../command.ts';

const execute = promisify(execFile);

let made = 0;

/**
 * Hosts of their own for nodes: a network namespace each, joined by a bridge on which this process is, too. A host
 * whose link is down vanishes without a FIN or a RST. Needs root and iproute2.
 */
export class HostNetwork {
  readonly #name: string;
  readonly #subnet: string;
  readonly #hosts: readonly string[];
  readonly #closeOnExit = (): void => this.close();

  constructor(hosts: readonly string[]) {
    made += 1;
    // Interface names have at most 15 letters. Several test runs may share a machine.
    this.#name = `hf${process.pid.toString(36)}${made}`;
    this.#subnet = `10.${100 + (process.pid % 100)}.${made % 250}`;
    this.#hosts = hosts;
    process.on('exit', this.#closeOnExit);
    try {
      this.#make();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  addressOf(host: string): string {
    return `${this.#subnet}.${this.#position(host) + 10}`;
  }

  /** Runs the command given after it on the host. */
  launcherOf(host: string): string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  /** Without holding up this process: its clients go on. */
  async vanish(host: string): Promise<void> {
    await execute('ip', ['link', 'set', this.#link(host), 'down']);
  }

  async reappear(host: string): Promise<void> {
    await execute('ip', ['link', 'set', this.#link(host), 'up']);
  }

  /** The processes on the hosts must have ended. */
  close(): void {
    process.off('exit', this.#closeOnExit);
    for (const host of this.#hosts) {
      ifThere(() => ip('link', 'delete', this.#link(host)));
      ifThere(() => ip('netns', 'delete', this.#namespace(host)));
    }
    ifThere(() => ip('link', 'delete', this.#name));
  }

  #make(): void {
    ip('link', 'add', this.#name, 'type', 'bridge');
    ip('address', 'add', `${this.#subnet}.1/24`, 'dev', this.#name);
    ip('link', 'set', this.#name, 'up');
    for (const host of this.#hosts) {
      const namespace = this.#namespace(host);
      ip('netns', 'add', namespace);
      ip('link', 'add', this.#link(host), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('link', 'set', this.#link(host), 'master', this.#name, 'up');
      ip('-n', namespace, 'address', 'add', `${this.addressOf(host)}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
  }

  #namespace(host: string): string {
    return `${this.#name}-${host}`;
  }

  #link(host: string): string {
    return `${this.#name}v${this.#position(host)}`;
  }

  #position(host: string): number {
    const position = this.#hosts.indexOf(host);
    if (position < 0) throw new Error(`no host ${host}`);
    return position;
  }
}

function ip(...args: readonly string[]): void {
  runCommand('ip', args, '/');
}

/** What was never made cannot be removed. */
function ifThere(remove: () => void): void {
  try {
    remove();
  } catch {}
}
