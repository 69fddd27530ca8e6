import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk, SystemClock, SystemRandom, WebSocketTransport } from '@holdfast/io';
import { type NodeId, nodeId } from '@holdfast/types';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { NodeConfig } from '../../../src/config/node-config.ts';
import { Node, type NodeOptions } from '../../../src/node.ts';
import { KillableDisk } from './killable-disk.ts';
import { reservePorts } from './ports.ts';
import { waitFor } from './wait-for.ts';

/** Set to a log level to see what the nodes say. */
const LOG_LEVEL = process.env.HOLDFAST_TEST_LOG ?? 'silent';

interface Member {
  readonly id: NodeId;
  readonly port: number;
  readonly data: string;
  node: Node | undefined;
  disk: KillableDisk | undefined;
}

/** Nodes with real files, sockets and clocks, all in this process, on ports of 127.0.0.1. */
export class TestCluster {
  readonly directory: string;
  readonly #members: Map<NodeId, Member>;
  readonly #options: NodeOptions;

  private constructor(directory: string, members: Member[], options: NodeOptions) {
    this.directory = directory;
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#options = options;
  }

  /** Nothing is started yet. */
  static async make(count: number, options: NodeOptions = {}): Promise<TestCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-node-'));
    const ports = await reservePorts(count);
    const members = ports.map((port, position): Member => {
      const id = nodeId(`n${position + 1}`);
      return { id, port, data: join(directory, id), node: undefined, disk: undefined };
    });
    return new TestCluster(directory, members, options);
  }

  get ids(): NodeId[] {
    return [...this.#members.keys()];
  }

  get running(): Node[] {
    return [...this.#members.values()].flatMap(({ node }) => (node === undefined ? [] : [node]));
  }

  node(id: NodeId): Node {
    const { node } = this.#member(id);
    if (node === undefined) throw new Error(`${id} does not run`);
    return node;
  }

  url(id: NodeId): string {
    return `ws://127.0.0.1:${this.#member(id).port}`;
  }

  data(id: NodeId): string {
    return this.#member(id).data;
  }

  configOf(id: NodeId, changes: Partial<NodeConfig> = {}): NodeConfig {
    const { port, data } = this.#member(id);
    const peers = this.ids.map((peer) => `${peer}=${this.url(peer)}`).join(',');
    const { config } = loadConfig({
      flags: { id, data, peers, listen: `127.0.0.1:${port}`, logLevel: LOG_LEVEL, segmentBytes: 1_048_576 },
    });
    return { ...config, ...changes };
  }

  /** `full`: with a disk that has no room. */
  async start(id: NodeId, changes: Partial<NodeConfig> = {}, full = false): Promise<Node> {
    const member = this.#member(id);
    const disk = new KillableDisk(new NodeDisk());
    disk.full = full;
    const seams = {
      transport: new WebSocketTransport(),
      disk,
      clock: new SystemClock(),
      random: new SystemRandom(),
    };
    const logger = pino({ level: LOG_LEVEL, base: { node: id } }, pino.destination({ fd: 2, sync: true }));
    const node = await Node.start(this.configOf(id, changes), seams, { logger, ...this.#options });
    member.node = node;
    member.disk = disk;
    void node.stopped.then((error) => {
      // A test that did not ask for it must not have to guess why nobody answers.
      if (error !== undefined && !disk.killed) console.error(`${id} ended by itself:`, error);
    });
    return node;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.start(id)));
  }

  async stop(id: NodeId, options: { handOver?: boolean } = {}): Promise<void> {
    const member = this.#member(id);
    const { node } = member;
    member.node = undefined;
    await node?.stop(options);
  }

  /** As SIGKILL: from this turn on it writes nothing and says nothing. */
  async kill(id: NodeId): Promise<void> {
    const member = this.#member(id);
    const { node, disk } = member;
    member.node = undefined;
    disk?.kill();
    await node?.crash();
  }

  fillDisk(id: NodeId, full: boolean): void {
    const { disk } = this.#member(id);
    if (disk !== undefined) disk.full = full;
  }

  /** Every write and sync of this node's disk fails from now on. */
  failDisk(id: NodeId): void {
    this.#member(id).disk?.kill();
  }

  /** The primary that admits writes, once there is one. */
  primary(timeoutMs?: number): Promise<Node> {
    return waitFor(
      'a primary',
      () => this.running.find((node) => node.status().role === 'primary' && node.status().admitting),
      timeoutMs,
    );
  }

  async primaryId(): Promise<NodeId> {
    return (await this.primary()).status().id;
  }

  /** All that run have applied as much as the one that is ahead, and hold the same. */
  async level(): Promise<void> {
    await waitFor('all nodes to be level', () => {
      const applied = this.running.map((node) => node.status().applied);
      const last = this.running.map((node) => node.status().last.index);
      return applied.every((index) => index === Math.max(...last));
    });
    const digests = await Promise.all(this.running.map((node) => node.digest()));
    const different = new Set(digests.map(({ digest }) => digest));
    if (different.size > 1) throw new Error(`digests differ: ${JSON.stringify(digests)}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.stop(id, { handOver: false })));
    await rm(this.directory, { recursive: true, force: true });
  }

  #member(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }
}
