import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Holdfast, type HoldfastOptions } from '@holdfast/client';
import type { NodeDigest, NodeEvent, NodeStatus } from '@holdfast/server';
import { waitUntil } from '../faults/wait-until.ts';
import { makeDataDirectory } from './data-directory.ts';
import { freePorts } from './free-ports.ts';
import { NodeHandle } from './node-handle.ts';
import type { NodeOrder } from './node-order.ts';
import { ownSeams } from './own-seams.ts';

export interface LocalClusterOptions {
  /** Nodes; 3 by default. */
  readonly count?: number;
  /** Options of every node, by key in camelCase; the defaults of the product where absent. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Address that a node listens on; 127.0.0.1 by default. */
  readonly hostOf?: (id: string) => string;
  /** Where a node tells clients to find it; where it listens by default. */
  readonly advertiseOf?: (id: string) => string;
  /** A command that runs the node's command line, given after it. */
  readonly launcherOf?: (id: string) => readonly string[];
  /** As the command line's nodes do. It makes a failover faster and a start slower, and most tests start more than they measure. */
  readonly rehearses?: boolean;
}

interface Member {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly log: string;
  handle: NodeHandle | undefined;
}

/**
 * Real node processes on ports of this machine, with their data on a real file system. Whoever makes one closes it;
 * its processes end with this one, however that ends.
 */
export class LocalCluster {
  readonly directory: string;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #options: LocalClusterOptions;
  readonly #clients: Holdfast<string, string>[] = [];

  private constructor(directory: string, members: readonly Member[], options: LocalClusterOptions) {
    this.directory = directory;
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#options = options;
  }

  /** Nothing is started yet. */
  static async make(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const directory = makeDataDirectory();
    const ports = await freePorts(options.count ?? 3);
    const members = ports.map((port, position): Member => {
      const id = `n${position + 1}`;
      return {
        id,
        host: options.hostOf?.(id) ?? '127.0.0.1',
        port,
        data: join(directory, id),
        log: join(directory, `${id}.log`),
        handle: undefined,
      };
    });
    return new LocalCluster(directory, members, options);
  }

  /** Starts all nodes; resolves when one of them takes writes. */
  async startAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.start(id)));
    await this.primary();
  }

  get ids(): string[] {
    return [...this.#members.keys()];
  }

  get running(): string[] {
    return this.ids.filter((id) => this.#isRunning(id));
  }

  get urls(): string[] {
    return this.ids.map((id) => this.url(id));
  }

  url(id: string): string {
    const { host, port } = this.#member(id);
    return `ws://${host}:${port}`;
  }

  pid(id: string): number {
    return this.#handle(id).pid;
  }

  data(id: string): string {
    return this.#member(id).data;
  }

  /** Resolves when it listens and has opened its data. */
  async start(id: string): Promise<void> {
    const member = this.#member(id);
    if (this.#isRunning(id)) throw new Error(`${id} runs already`);
    const { host, port, data, log } = member;
    const peers = [...this.#members.values()].map((peer) => `${peer.id}=${peer.host}:${peer.port}`).join(',');
    member.handle = await NodeHandle.start({
      id,
      log,
      flags: {
        id,
        data,
        peers,
        listen: `${host}:${port}`,
        ...(this.#options.advertiseOf && { advertise: this.#options.advertiseOf(id) }),
        ...this.#options.flags,
      },
      launcher: this.#options.launcherOf?.(id) ?? [],
      rehearses: this.#options.rehearses ?? false,
    });
  }

  /** SIGKILL, sent before this returns; the promise resolves when the process is gone. */
  async kill(id: string): Promise<void> {
    await this.#handle(id).end('SIGKILL');
  }

  /** SIGTERM: hands over, marks its log; resolves when the process is gone. */
  async stop(id: string): Promise<void> {
    await this.#handle(id).end('SIGTERM');
  }

  /** SIGSTOP: a process that hangs, its sockets open. */
  pause(id: string): void {
    this.#handle(id).pause();
  }

  resume(id: string): void {
    this.#handle(id).resume();
  }

  order(id: string, order: NodeOrder): Promise<void> {
    return this.#handle(id).order(order);
  }

  /** Orders the primary role over to `target`, or to the best standby; resolves when it is done. */
  async switchover(primary: string, target?: string): Promise<void> {
    const response = await fetch(`${this.#http(primary)}/v1/switchover`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(target === undefined ? {} : { target }),
    });
    if (!response.ok) throw new Error(`switchover refused: ${await response.text()}`);
  }

  async status(id: string): Promise<NodeStatus> {
    return (await this.#get(id, '/v1/status')) as NodeStatus;
  }

  /** Undefined while it cannot be asked. */
  async statusIfUp(id: string): Promise<NodeStatus | undefined> {
    return this.#isRunning(id) ? await this.status(id).catch(() => undefined) : undefined;
  }

  /** What the node still knows of its events, oldest first. */
  async events(id: string): Promise<NodeEvent[]> {
    const response = await fetch(`${this.#http(id)}/v1/events?follow=false`);
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data:'));
    return lines.map((line) => JSON.parse(line.slice('data:'.length)) as NodeEvent);
  }

  /** The value of one sample of `/metrics`, labels left out: the sum over them. */
  async metric(id: string, name: string): Promise<number> {
    const text = await (await fetch(`${this.#http(id)}/metrics`)).text();
    const samples = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return samples.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Id of the primary that takes writes, once there is one; `besides`: another than this. */
  primary(besides?: string): Promise<string> {
    return waitUntil('a primary', async () => {
      const candidates = this.running.filter((id) => id !== besides);
      const found = await Promise.all(candidates.map((id) => this.statusIfUp(id)));
      return found.find((status) => status?.role === 'primary' && status.admitting)?.id;
    });
  }

  /** Its status, once `condition` holds. */
  async until(id: string, what: string, condition: (status: NodeStatus) => boolean): Promise<NodeStatus> {
    let last: NodeStatus | undefined;
    try {
      return await waitUntil(`${id} ${what}`, async () => {
        last = await this.statusIfUp(id);
        return last !== undefined && condition(last) && last;
      });
    } catch (error) {
      throw new Error(`status of ${id}: ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** All nodes run and follow one primary, and have applied all that it had committed when this was asked. */
  async caughtUp(): Promise<void> {
    const { commit, term } = await this.status(await this.primary());
    for (const id of this.ids) {
      await this.until(
        id,
        'to catch up',
        (status) => status.ready && status.term >= term && status.applied >= commit,
      );
    }
  }

  /**
   * For a cluster at rest: waits until all running nodes have applied all, reads each one's store on its own, and
   * throws unless they hold the same.
   */
  async level(): Promise<NodeDigest> {
    await waitUntil(`${this.running.join(', ')} to be level`, async () => {
      const found = await Promise.all(this.running.map((id) => this.statusIfUp(id)));
      const last = found[0]?.last.index;
      return found.every((status) => status?.ready && status.applied === last && status.last.index === last);
    });
    const digests = (await Promise.all(
      this.running.map((id) => this.#get(id, '/v1/digest')),
    )) as NodeDigest[];
    const [first] = digests;
    if (first === undefined) throw new Error('no node runs');
    if (digests.some(({ digest, keys }) => digest !== first.digest || keys !== first.keys))
      throw new Error(`digests differ: ${JSON.stringify(digests)}`);
    return first;
  }

  /** An open client of all nodes, closed with the cluster. */
  async client(options: HoldfastOptions<string, string> = {}): Promise<Holdfast<string, string>> {
    const client = new Holdfast<string, string>(this.urls, { seams: ownSeams(), ...options });
    this.#clients.push(client);
    await client.open();
    return client;
  }

  /** Ends of the logs of all nodes, for whoever has to find out what went wrong. */
  logTails(): string {
    const tails = [...this.#members.values()].map(
      ({ id, handle }) => `--- end of the log of ${id}\n${handle?.logTail() ?? 'it never ran'}`,
    );
    return tails.join('\n');
  }

  /** Kills all nodes and removes their data. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await Promise.all(this.running.map((id) => this.kill(id)));
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #get(id: string, path: string): Promise<unknown> {
    const response = await fetch(`${this.#http(id)}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok)
      throw new Error(`${id} answered ${response.status} to ${path}: ${await response.text()}`);
    return await response.json();
  }

  #http(id: string): string {
    return this.url(id).replace('ws:', 'http:');
  }

  #isRunning(id: string): boolean {
    return this.#member(id).handle?.isGone === false;
  }

  #handle(id: string): NodeHandle {
    const { handle } = this.#member(id);
    if (handle === undefined || handle.isGone) throw new Error(`${id} does not run`);
    return handle;
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }
}
