import {
  assert,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Position,
  type SessionId,
} from '@holdfast/types';
import type {
  CoreConfig,
  CoreStatus,
  Effect,
  Input,
  Order,
  ProposedRead,
  ServedRead,
} from '../../src/api.ts';
import { ClusterNode, type CoreFactory, WORKS, type Work } from './cluster-node.ts';
import { bytesText, effectText, inputText, revisionText } from './format.ts';
import { Oracles } from './oracles.ts';

/** Which effects are printed. */
export type Trace = 'none' | 'brief' | 'messages' | 'all';

interface InFlight {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage;
}

export const TICK_MS = 5;
/** More rounds of messages than this without quiet is a live-lock. */
const ROUNDS_MAX = 2000;
const MESSAGE_KINDS_OF_ALL: readonly string[] = ['heartbeat', 'heartbeatReply'];
const EFFECTS_OF_MESSAGES: readonly string[] = [
  'send',
  'persist',
  'apply',
  'load',
  'fetch',
  'findDue',
  'findOld',
];

/** A snapshot that has arrived, and the run of the node that waits to hear what became of it. */
interface Transfer {
  readonly sender: ClusterNode;
  readonly boot: number;
  readonly receiver: ClusterNode;
  readonly position: Position;
}

/** Cores wired together in memory, on a virtual clock. Nothing moves unless the script says so. */
export class Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly sessions: Map<string, SessionId> = new Map();
  trace: Trace = 'brief';
  now = 10_000;
  readonly #make: CoreFactory;
  readonly #configOf: (node: ClusterNode) => CoreConfig;
  readonly #oracles: Oracles;
  #inFlight: InFlight[] = [];
  readonly #cuts: Set<string> = new Set();
  readonly #reads: Map<number, ProposedRead> = new Map();
  readonly #opening: Map<number, string> = new Map();
  readonly #backups: Map<string, Pick<ClusterNode, 'disk' | 'log' | 'store'>> = new Map();
  readonly #transfers: Map<string, Transfer> = new Map();
  #snapshots = 0;
  #out: string[] = [];

  constructor(options: {
    readonly ids: readonly NodeId[];
    readonly make: CoreFactory;
    configOf(node: ClusterNode): CoreConfig;
  }) {
    this.nodes = options.ids.map((id, order) => new ClusterNode(id, order));
    this.#make = options.make;
    this.#configOf = options.configOf;
    this.#oracles = new Oracles(this.nodes);
    for (const node of this.nodes) this.start(node);
    this.connectAll();
  }

  node(id: string | undefined): ClusterNode {
    const node = this.nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** What happened since the last call, a line each. */
  takeOutput(): string[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  status(node: ClusterNode): CoreStatus | undefined {
    return node.core?.status(this.#timeOf(node));
  }

  get inFlight(): readonly InFlight[] {
    return this.#inFlight;
  }

  input(node: ClusterNode, input: Input): void {
    if (node.core === undefined || node.frozen) return;
    if (this.trace === 'all' && input.kind !== 'tick') this.#print(node, `< ${inputText(input)}`);
    const effects = node.step(input, this.#timeOf(node));
    this.#oracles.role(node, this.status(node)!);
    for (const effect of effects) this.#perform(node, effect);
  }

  /** `stepMs`: how far apart the ticks are. */
  tick(
    ms: number,
    nodes: readonly ClusterNode[] = this.nodes,
    { stepMs = TICK_MS, then = () => {} }: { readonly stepMs?: number; readonly then?: () => void } = {},
  ): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += stepMs;
      for (const node of nodes) this.input(node, { kind: 'tick' });
      then();
    }
  }

  /** Completes and delivers until nothing is left to do. */
  auto(): void {
    for (let round = 0; this.#settle(); round++) {
      if (round >= ROUNDS_MAX) throw new Error(`no quiet after ${ROUNDS_MAX} rounds`);
    }
  }

  /** Ticks one node alone, so that it stands and wins, until it admits writes. */
  campaign(node: ClusterNode): void {
    const end = this.now + 5000;
    while (this.status(node)?.admitting !== true) {
      if (this.now >= end) throw new Error(`${node.id} did not become primary`);
      this.tick(TICK_MS, [node], { then: () => this.auto() });
    }
  }

  /** As `campaign`, but stops as soon as the node is elected: its first appends are in flight. */
  elect(node: ClusterNode): void {
    const end = this.now + 5000;
    while (this.status(node)?.role !== 'primary') {
      if (this.now >= end) throw new Error(`${node.id} was not elected`);
      if (!this.#settle()) this.tick(TICK_MS, [node]);
    }
  }

  complete(node: ClusterNode, work: Work, count?: number): boolean {
    if (work === 'snapshot') return this.#transfer(node);
    const input = node.complete(work, count);
    if (input !== undefined) this.input(node, input);
    if (input?.kind === 'installed') this.#settleTransfer(input.directory, true);
    return input !== undefined;
  }

  /** Takes what matches out of flight, `keep`: leaves it there too, to be delivered again. */
  take(matches: (message: InFlight, place: number) => boolean, keep = false): InFlight[] {
    const seen = new Map<string, number>();
    const taken: InFlight[] = [];
    const rest: InFlight[] = [];
    for (const message of this.#inFlight) {
      const link = `${message.from}>${message.to}`;
      const place = (seen.get(link) ?? 0) + 1;
      seen.set(link, place);
      const match = matches(message, place);
      if (match) taken.push(message);
      if (!match || keep) rest.push(message);
    }
    this.#inFlight = rest;
    return taken;
  }

  deliver(messages: readonly InFlight[]): void {
    for (const { from, to, message } of messages)
      this.input(this.node(to), { kind: 'message', from, message });
  }

  start(node: ClusterNode): void {
    node.stopReason = undefined;
    node.start(this.#make, this.#configOf(node), this.#timeOf(node));
  }

  /** `silent`: nobody is told, as when a host vanishes; else peers see the link close and a new one refused. */
  crash(
    node: ClusterNode,
    options: { readonly kept: number; readonly silent: boolean; readonly refused: boolean },
  ): void {
    this.#inFlight = this.#inFlight.filter(({ from, to }) => from !== node.id && to !== node.id);
    node.crash(options.kept);
    if (options.silent) return;
    for (const peer of this.nodes) {
      if (!peer.links.delete(node.id)) continue;
      this.input(peer, { kind: 'linkDown', peer: node.id, cause: 'lost' });
      if (options.refused) this.input(peer, { kind: 'linkDown', peer: node.id, cause: 'refused' });
    }
    for (const [directory, { receiver }] of this.#transfers)
      if (receiver === node) this.#settleTransfer(directory, false);
  }

  restart(node: ClusterNode): void {
    this.start(node);
    for (const peer of this.nodes) this.connect(node, peer);
  }

  connectAll(): void {
    for (const [place, node] of this.nodes.entries()) {
      for (const peer of this.nodes.slice(place + 1)) this.connect(node, peer);
    }
  }

  connect(a: ClusterNode, b: ClusterNode): void {
    if (a === b || a.core === undefined || b.core === undefined || this.#isCut(a, b)) return;
    if (a.links.has(b.id) && b.links.has(a.id)) return;
    this.disconnect(a, b);
    this.#linkUp(a, b);
    this.#linkUp(b, a);
  }

  disconnect(a: ClusterNode, b: ClusterNode): void {
    const between = (from: NodeId, to: NodeId): boolean =>
      (from === a.id && to === b.id) || (from === b.id && to === a.id);
    this.#inFlight = this.#inFlight.filter(({ from, to }) => !between(from, to));
    if (a.links.delete(b.id)) this.input(a, { kind: 'linkDown', peer: b.id, cause: 'lost' });
    if (b.links.delete(a.id)) this.input(b, { kind: 'linkDown', peer: a.id, cause: 'lost' });
  }

  /** Messages one way go no further from now on; what is sent meanwhile arrives after `heal`, as over TCP. */
  cut(from: ClusterNode, to: ClusterNode): void {
    this.#cuts.add(`${from.id}>${to.id}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  open(
    node: ClusterNode,
    name: string,
    options: { readonly id: number; readonly connection: number; readonly ms: number },
  ): void {
    this.#opening.set(options.id, name);
    const deadline = this.#timeOf(node) + options.ms;
    this.input(node, { kind: 'openSession', connection: options.connection, id: options.id, deadline });
  }

  read(node: ClusterNode, read: Omit<ProposedRead, 'deadline'>, ms: number): void {
    const proposed: ProposedRead = { ...read, deadline: this.#timeOf(node) + ms };
    this.#reads.set(read.id, proposed);
    this.input(node, { kind: 'read', reads: [proposed] });
  }

  order(node: ClusterNode, order: Order): void {
    this.input(node, { kind: 'order', order });
  }

  deadline(node: ClusterNode, ms: number): number {
    return this.#timeOf(node) + ms;
  }

  backup(node: ClusterNode, name: string): void {
    this.#backups.set(name, { disk: node.disk, log: node.log.clone(), store: node.store.clone() });
  }

  restore(node: ClusterNode, name: string): void {
    const { disk, log, store } = this.#backups.get(name)!;
    node.disk = disk;
    node.log = log.clone();
    node.store = store.clone();
  }

  /** Drops the head of the log that nobody needs, after a checkpoint; `peersFrom`: below it no peer counts. */
  compact(node: ClusterNode, peersFrom?: LogIndex): LogIndex {
    const checkpoint = node.store.checkpoint();
    const below = Math.min(node.core!.retainFrom(peersFrom), checkpoint.index + 1) as LogIndex;
    node.log.removeHead(below);
    this.input(node, { kind: 'headRemoved', below });
    return below;
  }

  /** Same configuration, recovered state and inputs: same effects, byte for byte as printed. */
  replay(): void {
    for (const node of this.nodes) {
      for (const run of node.runs) {
        const core = this.#make(run.config, run.recovered, run.startedAt);
        for (const { input, now, effects } of run.steps) {
          const again = core.step(input, now).map(effectText).join('\n');
          assert(
            again === effects,
            `${node.id} is not deterministic at ${inputText(input)}:\n${effects}\nthen\n${again}`,
          );
        }
      }
    }
  }

  #settle(): boolean {
    let moved = false;
    for (const node of this.nodes) {
      if (node.core === undefined || node.frozen) continue;
      for (const work of WORKS) {
        while (!node.held.has(work) && this.complete(node, work)) moved = true;
      }
    }
    const messages = this.take(({ from, to }) => !this.node(to).frozen && !this.#cuts.has(`${from}>${to}`));
    this.deliver(messages);
    return moved || messages.length > 0;
  }

  #transfer(node: ClusterNode): boolean {
    const transfer = node.nextTransfer();
    if (transfer === undefined) return false;
    const peer = this.node(transfer.peer);
    const position = transfer.store.applied;
    const arrives = peer.core !== undefined && node.links.has(peer.id) && !this.#isCut(node, peer);
    if (!arrives) {
      this.input(node, { kind: 'snapshotSent', peer: peer.id });
      return true;
    }
    this.#snapshots += 1;
    const directory = `snapshot-${this.#snapshots}`;
    this.#transfers.set(directory, { sender: node, boot: node.boot, receiver: peer, position });
    this.input(peer, peer.receive(directory, transfer.store));
    if (!peer.snapshots.has(directory)) this.#settleTransfer(directory, false);
    return true;
  }

  /** Whoever sent it hears what became of it: once it is in use, or ignored, or its receiver is gone. */
  #settleTransfer(directory: string, taken: boolean): void {
    const transfer = this.#transfers.get(directory);
    if (transfer === undefined) return;
    this.#transfers.delete(directory);
    const { sender, boot, receiver, position } = transfer;
    if (sender.boot !== boot) return;
    this.input(sender, { kind: 'snapshotSent', peer: receiver.id, ...(taken ? { position } : {}) });
  }

  #perform(node: ClusterNode, effect: Effect): void {
    this.#oracles.effect(node, effect);
    if (effect.kind === 'serve') for (const read of effect.reads) this.#print(node, this.#serve(node, read));
    else if (this.#isShown(effect)) this.#print(node, effectText(effect));
    node.perform(effect);
    switch (effect.kind) {
      case 'send':
        if (node.links.has(effect.to))
          this.#inFlight.push({ from: node.id, to: effect.to, message: effect.message });
        return;
      case 'reply':
        for (const reply of effect.replies) {
          if (reply.kind === 'sessionOpened') this.sessions.set(this.#opening.get(reply.id)!, reply.session);
        }
        return;
      case 'stop':
        node.stopReason = effect.reason;
        this.crash(node, { kept: 0, silent: false, refused: true });
        return;
      default:
    }
  }

  /** As the server would: the store, under what the core gave with it. */
  #serve(node: ClusterNode, served: ServedRead): string {
    const read = this.#reads.get(served.id)!;
    const values = (read.keys ?? []).map((key, place) => {
      const over = served.overlay?.[place];
      const record = over === undefined ? node.store.get(key) : (over ?? undefined);
      const until = record?.expiresAt === undefined ? '' : `(until ${record.expiresAt})`;
      const value =
        record === undefined ? '-' : `${bytesText(record.value)}@${revisionText(record.revision)}${until}`;
      return `${Buffer.from(key).toString('latin1')}=${value}`;
    });
    const revision = Math.max(served.revision, node.store.state().revision);
    return [
      `serve #${read.id}`,
      ...values,
      `revision=${revisionText(revision)}`,
      `staleness=${Math.round(served.stalenessMs)}`,
    ].join(' ');
  }

  #isShown(effect: Effect): boolean {
    if (this.trace === 'all') return true;
    if (this.trace === 'none') return effect.kind === 'stop';
    if (effect.kind === 'send' && MESSAGE_KINDS_OF_ALL.includes(effect.message.kind)) return false;
    return this.trace === 'messages' || !EFFECTS_OF_MESSAGES.includes(effect.kind);
  }

  #linkUp(node: ClusterNode, peer: ClusterNode): void {
    node.links.add(peer.id);
    const { cluster, exclusion } = this.status(peer)!;
    this.input(node, {
      kind: 'linkUp',
      peer: peer.id,
      boot: peer.bootId,
      disk: peer.disk,
      voters: this.#configOf(peer).voters,
      ...(cluster === undefined ? {} : { cluster }),
      ...(exclusion === undefined ? {} : { exclusion }),
    });
  }

  #isCut(a: ClusterNode, b: ClusterNode): boolean {
    return this.#cuts.has(`${a.id}>${b.id}`) || this.#cuts.has(`${b.id}>${a.id}`);
  }

  #timeOf(node: ClusterNode): number {
    return this.now + node.clockOffset;
  }

  #print(node: ClusterNode, text: string): void {
    for (const line of text.split('\n')) this.#out.push(`${node.id} ${line}`);
  }
}
