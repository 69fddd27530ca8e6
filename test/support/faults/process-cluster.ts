import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holdfast, type HoldfastOptions } from '@holdfast/client';
import type { NodeDigest, NodeEvent, NodeStatus } from '@holdfast/server';
import { onTestFailed } from 'vitest';
import { cleanUps } from '../clean-up.ts';
import { freePorts } from '../cluster/free-ports.ts';
import { ownSeams } from '../cluster/own-seams.ts';
import { NODE_COMPILE_CACHE, nodeProgram } from '../node-program.ts';
import { temporaryDataDirectory } from '../temporary.ts';
import type { NodeOrder } from './node-order.ts';
import { waitUntil } from './wait-until.ts';

const LOG_TAIL_BYTES = 3000;

export interface ClusterOptions {
  readonly count?: number;
  /** Options of every node, by key in camelCase. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Where the directories of the nodes go; a temporary directory on a real file system by default. */
  readonly dataOf?: (id: string) => string | undefined;
}

export interface StartOptions {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** What it suffers from before it does anything. */
  readonly order?: NodeOrder;
}

interface Member {
  readonly id: string;
  readonly port: number;
  readonly data: string;
  readonly log: string;
  child: ChildProcess | undefined;
}

const running = new Set<ProcessCluster>();

cleanUps.push({
  afterTest: () => Promise.all([...running].map((cluster) => cluster.close())),
});

/** Nodes as processes of their own on ports of 127.0.0.1. They end with the test that made them. */
export class ProcessCluster {
  readonly directory: string;
  readonly #members: Map<string, Member>;
  readonly #flags: Readonly<Record<string, unknown>>;
  readonly #clients: Holdfast<string, string>[] = [];

  private constructor(
    directory: string,
    members: readonly Member[],
    flags: Readonly<Record<string, unknown>>,
  ) {
    this.directory = directory;
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#flags = flags;
  }

  /** Nothing is started yet. */
  static async make(options: ClusterOptions = {}): Promise<ProcessCluster> {
    const directory = temporaryDataDirectory();
    const ports = await freePorts(options.count ?? 3);
    const members = ports.map((port, position): Member => {
      const id = `n${position + 1}`;
      const data = options.dataOf?.(id) ?? join(directory, id);
      return { id, port, data, log: join(directory, `${id}.log`), child: undefined };
    });
    const cluster = new ProcessCluster(directory, members, options.flags ?? {});
    running.add(cluster);
    onTestFailed(() => cluster.#printLogs());
    return cluster;
  }

  /** A cluster whose primary takes writes. */
  static async start(options: ClusterOptions = {}): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.make(options);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    await cluster.primary();
    return cluster;
  }

  get ids(): string[] {
    return [...this.#members.keys()];
  }

  get running(): string[] {
    return this.ids.filter((id) => this.#members.get(id)?.child !== undefined);
  }

  port(id: string): number {
    return this.#member(id).port;
  }

  pid(id: string): number {
    const { pid } = this.#child(id);
    if (pid === undefined) throw new Error(`${id} has no process`);
    return pid;
  }

  data(id: string): string {
    return this.#member(id).data;
  }

  /** Everything the node has printed so far. */
  log(id: string): string {
    return readFileSync(this.#member(id).log, 'utf8');
  }

  /** Resolves when it listens and has opened its data; rejects with what it printed if it ends before. */
  async start(id: string, options: StartOptions = {}): Promise<void> {
    const { child, exited } = this.#spawn(id, options);
    const up = once(child, 'message');
    await Promise.race([
      up,
      exited.then(() =>
        Promise.reject(new Error(`${id} did not start: ${this.log(id).slice(-LOG_TAIL_BYTES)}`)),
      ),
    ]);
  }

  /** For a start that must be refused: its exit code and its last line. */
  async startRefused(id: string, options: StartOptions = {}): Promise<{ code: number | null; line: string }> {
    const { exited } = this.#spawn(id, options);
    const code = await exited;
    const ended = this.log(id)
      .split('\n')
      .filter((line) => line.startsWith('ended: '));
    return { code, line: ended.at(-1) ?? '' };
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(id: string): Promise<void> {
    await this.#signal(id, 'SIGKILL');
  }

  /** SIGTERM: hands over, marks its log. */
  async stop(id: string): Promise<void> {
    await this.#signal(id, 'SIGTERM');
  }

  /** Resolves when the node ends by itself. */
  async ended(id: string): Promise<void> {
    await waitUntil(`${id} to end`, () => this.#member(id).child === undefined);
  }

  async order(id: string, order: NodeOrder): Promise<void> {
    const child = this.#child(id);
    const done = once(child, 'message');
    child.send(order);
    await done;
  }

  async orderAll(order: NodeOrder): Promise<void> {
    await Promise.all(this.running.map((id) => this.order(id, order)));
  }

  async status(id: string): Promise<NodeStatus> {
    return (await this.get(id, '/v1/status')) as NodeStatus;
  }

  /** JSON of a page. */
  async get(id: string, path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.port(id)}${path}`);
    return await response.json();
  }

  /** What the node still knows of its events, oldest first. */
  async events(id: string): Promise<NodeEvent[]> {
    const response = await fetch(`http://127.0.0.1:${this.port(id)}/v1/events?follow=false`);
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data:'));
    return lines.map((line) => JSON.parse(line.slice('data:'.length)) as NodeEvent);
  }

  /** Undefined while it cannot be asked. */
  async statusIfUp(id: string): Promise<NodeStatus | undefined> {
    return await this.status(id).catch(() => undefined);
  }

  /** Id of the primary that takes writes, once there is one; `besides`: another than this. */
  async primary(besides?: string): Promise<string> {
    return await waitUntil('a primary', async () => {
      for (const id of this.running) {
        if (id === besides) continue;
        const status = await this.statusIfUp(id);
        if (status?.role === 'primary' && status.admitting) return id;
      }
      return undefined;
    });
  }

  /** Its status, once `condition` holds. */
  async until(id: string, what: string, condition: (status: NodeStatus) => boolean): Promise<NodeStatus> {
    let last: NodeStatus | undefined;
    try {
      return await waitUntil(`${id} ${what}`, async () => {
        last = await this.statusIfUp(id);
        return last !== undefined && condition(last) ? last : undefined;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}; its status: ${JSON.stringify(last)}`);
    }
  }

  /** All of `ids` have applied everything and hold the same; returns the digest. */
  async level(ids: readonly string[] = this.running): Promise<NodeDigest> {
    let found: (NodeStatus | undefined)[] = [];
    const areLevel = async (): Promise<boolean> => {
      found = await Promise.all(ids.map((id) => this.statusIfUp(id)));
      const last = found[0]?.last.index;
      return found.every(
        (status) => status?.ready === true && status.applied === last && status.last.index === last,
      );
    };
    await waitUntil(`${ids.join(', ')} to be level`, areLevel).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(found)}`);
    });
    const digests = await Promise.all(
      ids.map(async (id) => (await this.get(id, '/v1/digest')) as NodeDigest),
    );
    for (const { digest } of digests) {
      if (digest !== digests[0]?.digest) throw new Error(`digests differ: ${JSON.stringify(digests)}`);
    }
    return digests[0]!;
  }

  /** Closed with the cluster. */
  async client(options: HoldfastOptions<string, string> = {}): Promise<Holdfast<string, string>> {
    return await this.clientOf(this.ids, options);
  }

  /** A client that is given the addresses of `ids` only. */
  async clientOf(
    ids: readonly string[],
    options: HoldfastOptions<string, string> = {},
  ): Promise<Holdfast<string, string>> {
    const client = new Holdfast<string, string>(
      ids.map((id) => `ws://127.0.0.1:${this.port(id)}`),
      { seams: ownSeams(), ...options },
    );
    this.#clients.push(client);
    await client.open();
    return client;
  }

  async close(): Promise<void> {
    running.delete(this);
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await Promise.all(this.running.map((id) => this.kill(id)));
  }

  #spawn(id: string, options: StartOptions): { child: ChildProcess; exited: Promise<number | null> } {
    const member = this.#member(id);
    if (member.child !== undefined) throw new Error(`${id} runs already`);
    const peers = [...this.#members.values()].map((peer) => `${peer.id}=127.0.0.1:${peer.port}`).join(',');
    const flags = {
      id,
      data: member.data,
      peers,
      listen: `127.0.0.1:${member.port}`,
      ...this.#flags,
      ...options.flags,
    };
    const log = openSync(member.log, 'a');
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        nodeProgram('faults'),
        JSON.stringify(flags),
        JSON.stringify(options.order ?? {}),
      ],
      {
        stdio: ['ignore', log, log, 'ipc'],
        env: { NODE_COMPILE_CACHE, ...process.env, ...options.env },
        ...(options.uid === undefined ? {} : { uid: options.uid }),
      },
    );
    closeSync(log);
    member.child = child;
    const exited = once(child, 'exit').then(([code]: (number | null)[]) => {
      member.child = undefined;
      return code ?? null;
    });
    return { child, exited };
  }

  async #signal(id: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#child(id);
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  #printLogs(): void {
    for (const { id } of this.#members.values()) {
      try {
        console.error(`--- end of the log of ${id}\n${this.log(id).slice(-LOG_TAIL_BYTES)}`);
      } catch {
        console.error(`--- ${id} never ran`);
      }
    }
  }

  #child(id: string): ChildProcess {
    const { child } = this.#member(id);
    if (child === undefined) throw new Error(`${id} does not run`);
    return child;
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }
}
