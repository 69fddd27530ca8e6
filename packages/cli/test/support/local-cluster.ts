import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { nodeId } from '@holdfast/types';
import { freePorts } from '../../../../test/support/cluster/free-ports.ts';
import { type ClusterFile, writeClusterFile } from '../../src/cluster/cluster-file.ts';
import type { NodeRow } from '../../src/node-row.ts';
import { PROGRAM, type Ran, type RunSettings, runHere } from './capture.ts';

/** Beside the sources: never in memory, as a temporary directory may be. */
const HOME = new URL('../../node_modules/.holdfast-test/', import.meta.url).pathname;
const PATIENCE_MS = 30_000;

/** A directory on a real file system with an `up` of its own. */
export class TestCluster {
  readonly directory: string;
  #up: ChildProcess | undefined;
  #output = '';
  #exit: Promise<number | null> = Promise.resolve(null);

  /** Its ports are such that tests do not meet each other or a cluster of the user. */
  static async make(nodes = 3): Promise<TestCluster> {
    const cluster = new TestCluster();
    const ports = await freePorts(nodes);
    writeClusterFile(cluster.place, {
      ack: 'quorum',
      nodes: ports.map((port, at) => ({ id: nodeId(`n${at + 1}`), port })),
    });
    return cluster;
  }

  constructor() {
    mkdirSync(HOME, { recursive: true });
    this.directory = mkdtempSync(HOME);
  }

  get place(): string {
    return join(this.directory, '.holdfast');
  }

  /** Everything `up` has printed, both streams. */
  get output(): string {
    return this.#output;
  }

  /** Everything the node has logged. */
  log(id: string): string {
    return readFileSync(join(this.place, 'logs', `${id}.log`), 'utf8');
  }

  get upPid(): number {
    return this.#up?.pid as number;
  }

  get file(): ClusterFile {
    return JSON.parse(readFileSync(join(this.place, 'cluster.json'), 'utf8')) as ClusterFile;
  }

  /** Starts `up`; does not wait for anything. */
  up(...args: string[]): void {
    this.#output = '';
    const up = spawnHoldfast(['up', ...args], this.directory);
    this.#up = up;
    for (const stream of [up.stdout, up.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#exit = new Promise((resolve) => up.once('close', (code) => resolve(code)));
  }

  async ready(): Promise<void> {
    await this.until('ready', () => this.output.includes('try in another terminal'));
  }

  /** The exit status of `up`; null for a signal. */
  async exit(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#up?.kill(signal);
    return await this.#exit;
  }

  run(args: readonly string[], settings: RunSettings = {}): Promise<Ran> {
    return runHere(args, { directory: this.directory, ...settings });
  }

  async rows(): Promise<NodeRow[]> {
    const { stdout } = await this.run(['status', '--json']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as NodeRow);
  }

  async row(id: string): Promise<NodeRow> {
    return (await this.rows()).find((row) => row.id === id) as NodeRow;
  }

  async primary(): Promise<NodeRow> {
    let found: NodeRow | undefined;
    await this.until('a primary', async () => {
      found = (await this.rows()).find(({ role, admitting }) => role === 'primary' && admitting);
      return found !== undefined;
    });
    return found as NodeRow;
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; up said:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async remove(): Promise<void> {
    await this.exit('SIGTERM');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** As a user's shell would, without what the test runner's environment says. */
export function spawnHoldfast(
  args: readonly string[],
  cwd: string,
  added: Readonly<Record<string, string>> = {},
): ChildProcess {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|HOLDFAST_|VITEST|NODE_|INIT_CWD$)/i.test(name)),
  );
  const env = { ...inherited, ...added };
  return spawn(process.execPath, [PROGRAM, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
}

export function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and waits to be noted by its parent.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
