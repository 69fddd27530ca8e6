import {
  assert,
  type BootId,
  type DiskId,
  entryBytes,
  LIMITS,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Position,
} from '@holdfast/types';
import type { CoreConfig, Effect, Input } from '../../src/api.ts';
import { Core } from '../../src/core.ts';
import { SeededRandom } from '../../src/kernel/seeded-random.ts';
import { ClusterHistory } from './cluster-history.ts';
import { DrawnClients } from './drawn-clients.ts';
import { EventQueue } from './event-queue.ts';
import type { MemoryStore } from './memory-store.ts';
import { PrimaryOracle } from './primary-oracle.ts';
import { RandomHost } from './random-host.ts';

const TIMING = {
  heartbeatMs: 50,
  electionTimeoutMs: 400,
  rankStepMs: 15,
  preVoteRepeatMs: 10,
  persistStallMaxMs: 2000,
};

/** How a run differs from others, drawn from its seed. */
interface Conditions {
  readonly limits: CoreConfig['limits'];
  readonly latencyMs: number;
  readonly slowDisk: number;
}

/** A snapshot that was received, and who waits to hear what became of it. */
interface Transfer {
  readonly sender: RandomHost;
  readonly boot: number;
  readonly receiver: NodeId;
  readonly position: Position;
}

/**
 * Cores on a virtual clock with links that break, disks that lose what was not synced, crashes and pauses, and
 * clients that hold every answer against what was promised; it checks after every step what must hold for the
 * cluster as a whole.
 */
export class RandomCluster {
  readonly random: SeededRandom;
  readonly hosts: Map<NodeId, RandomHost> = new Map();
  readonly ids: NodeId[];
  readonly history: ClusterHistory = new ClusterHistory();
  readonly clients: DrawnClients;
  now = 1000;
  readonly counts = {
    steps: 0,
    crashes: 0,
    promotions: 0,
    truncations: 0,
    snapshots: 0,
    diverged: 0,
    storesLost: 0,
    wiped: 0,
    wentBack: 0,
    holes: 0,
    healed: 0,
  };
  readonly #events = new EventQueue();
  readonly #conditions: Conditions;
  readonly #cut = new Set<string>();
  readonly #linkEpoch = new Map<string, number>();
  /** Newest delivery time per link: messages keep their order. */
  readonly #linkBusy = new Map<string, number>();
  readonly #oracle = new PrimaryOracle(TIMING.electionTimeoutMs);
  readonly #transfers = new Map<string, Transfer>();
  #nextSnapshot = 1;

  constructor(seed: number, nodes: number) {
    this.random = new SeededRandom(seed);
    this.ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}` as NodeId);
    this.#conditions = this.#drawConditions();
    for (const id of this.ids) this.hosts.set(id, new RandomHost(id));
    this.clients = new DrawnClients({
      random: this.random,
      history: this.history,
      now: () => this.now,
      nodes: () => [...this.hosts.values()],
      likelyPrimary: () => this.primary() ?? this.pick([...this.hosts.values()]),
      propose: (node, frame) => this.input(node as RandomHost, { kind: 'propose', connection: 1, ...frame }),
      openSession: (node, id, ms) => {
        const host = node as RandomHost;
        this.input(host, { kind: 'openSession', connection: 1, id, deadline: host.timeAt(this.now) + ms });
      },
      closeSession: (node, id, session) => {
        const host = node as RandomHost;
        const deadline = host.timeAt(this.now) + 1000;
        this.input(host, { kind: 'closeSession', connection: 1, id, session, deadline });
      },
      read: (node, read) => this.input(node as RandomHost, { kind: 'read', reads: [read] }),
      deadline: (node, ms) => (node as RandomHost).timeAt(this.now) + ms,
    });
    for (const host of this.hosts.values()) this.start(host);
  }

  draw(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.draw(items.length)]!;
  }

  start(host: RandomHost): void {
    const recovered = host.boots(this.now);
    this.counts.holes += recovered.log.holes.length;
    host.core = new Core(this.#config(host), recovered, host.timeAt(this.now));
    this.#step(host, { kind: 'tick' });
    this.#scheduleTick(host, host.boot);
    for (const other of this.ids) if (other !== host.id) this.#connect(host.id, other);
  }

  crash(host: RandomHost): void {
    if (host.core === undefined) return;
    this.counts.crashes++;
    host.crashes({ draw: (below) => this.draw(below) });
    for (const other of this.ids) {
      this.#bump(host.id, other);
      this.#bump(other, host.id);
      const peer = this.hosts.get(other)!;
      if (peer.core !== undefined && other !== host.id && !this.#cut.has(`${other}>${host.id}`)) {
        this.#later(0.2, () => {
          this.input(peer, { kind: 'linkDown', peer: host.id, cause: 'lost' });
          if (host.core === undefined)
            this.input(peer, { kind: 'linkDown', peer: host.id, cause: 'refused' });
        });
      }
    }
  }

  /** The store of a node that is down is gone whole. */
  loseStore(host: RandomHost): void {
    host.losesStore();
    this.counts.storesLost++;
  }

  /** The disk of a node that is down is another one, and empty. */
  wipe(host: RandomHost): void {
    host.wiped();
    this.counts.wiped++;
  }

  /** Frames in the middle of the log of a node that is down cannot be read any more. */
  damage(host: RandomHost): void {
    host.damaged({ draw: (below) => this.draw(below) });
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  healAll(): void {
    const cut = [...this.#cut];
    this.#cut.clear();
    for (const link of cut) {
      const [from, to] = link.split('>') as [NodeId, NodeId];
      this.#later(1 + this.draw(20), () => this.#connect(from, to));
    }
  }

  pause(host: RandomHost, ms: number): void {
    host.pausedUntil = Math.max(host.pausedUntil, this.now + ms);
  }

  switchover(): void {
    const host = this.primary();
    if (host !== undefined) this.input(host, { kind: 'order', order: { kind: 'switchover', id: 1 } });
  }

  /** Frees what the log's head need not keep; `rudely`: what a peer needs too, so that laggards need a snapshot. */
  compact(host: RandomHost, rudely: boolean): void {
    if (host.core === undefined || !host.hasApplied) return;
    const checkpoint = host.store.checkpoint();
    const kept = rudely
      ? (host.core.applier.supersededFrom ?? Number.MAX_SAFE_INTEGER)
      : host.core.retainFrom();
    const below = Math.min(checkpoint.index + 1, kept) as LogIndex;
    this.input(host, { kind: 'headRemoved', below });
    host.log.removeHead(below);
  }

  checkpoint(host: RandomHost): void {
    if (host.core !== undefined && host.hasApplied) host.store.checkpoint();
  }

  primary(): RandomHost | undefined {
    let newest: RandomHost | undefined;
    for (const host of this.hosts.values()) {
      if (host.core?.context.role !== 'primary') continue;
      if (newest === undefined || host.core.context.term > newest.core!.context.term) newest = host;
    }
    return newest;
  }

  runFor(ms: number): void {
    const until = this.now + ms;
    for (let event = this.#events.take(until); event !== undefined; event = this.#events.take(until)) {
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = until;
  }

  input(host: RandomHost, input: Input): void {
    if (host.core === undefined) return;
    if (host.pausedUntil > this.now) {
      host.inbox.push(input);
      return;
    }
    if (host.inbox.length > 0) {
      const inbox = host.inbox.splice(0);
      for (const earlier of [...inbox, input]) this.#step(host, earlier);
    } else this.#step(host, input);
  }

  #step(host: RandomHost, input: Input): void {
    if (host.core === undefined) return;
    this.counts.steps++;
    this.#perform(host, host.core.step(input, host.timeAt(this.now)));
    host.core?.checkInvariants();
    this.#oracle.stepped(host, this.now);
  }

  #perform(host: RandomHost, effects: readonly Effect[]): void {
    for (const effect of effects) this.#performOne(host, effect);
  }

  #performOne(host: RandomHost, effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#persist(host, effect);
        return;
      case 'send':
        this.#oracle.sends(host, effect.to, effect.message);
        this.#transmit(host.id, effect.to, effect.message);
        return;
      case 'apply':
        for (const entry of effect.entries) {
          this.history.applied(host.id, entry);
          assert(host.log.isDurable(entry), `${host.id} applies ${entry.index}, which is not durable (P7)`);
        }
        host.store.apply(effect);
        host.hasApplied = true;
        this.#back(host, this.draw(3), { kind: 'applied', index: effect.applied.index });
        return;
      case 'load': {
        const entries = host.log.read({ ...effect, bytesOf: entryBytes });
        this.#back(host, this.draw(3), { kind: 'loaded', id: effect.id, entries });
        return;
      }
      case 'fetch': {
        const records = host.store.getMany(effect);
        this.#back(host, this.draw(3), { kind: 'fetched', id: effect.id, records });
        return;
      }
      case 'findDue': {
        const found = host.store.findDue(effect);
        this.#back(host, this.draw(3), { kind: 'dueFound', id: effect.id, ...found });
        return;
      }
      case 'findOld': {
        // Now and then the store cannot be read.
        const found = this.draw(12) === 0 ? undefined : host.store.findOld(effect);
        this.#back(host, this.draw(3), { kind: 'oldFound', id: effect.id, found });
        return;
      }
      case 'serve':
        for (const served of effect.reads) this.clients.onServed(host, served);
        return;
      case 'refuseReads':
        for (const { id, error } of effect.reads) this.clients.onRefused(host, id, error);
        return;
      case 'reply':
        for (const reply of effect.replies) {
          if (reply.kind === 'receipt') this.#oracle.acknowledges(host, this.now);
          this.clients.onReply(host, reply);
        }
        return;
      case 'sendSnapshot':
        this.#sendSnapshot(host, effect.peer);
        return;
      case 'install':
        host.installs(effect.directory);
        this.counts.snapshots++;
        this.#back(host, 1, { kind: 'installed', directory: effect.directory });
        this.#settleSnapshot(effect.directory, true);
        return;
      case 'discardSnapshot':
        host.snapshots.delete(effect.directory);
        this.#settleSnapshot(effect.directory, false);
        return;
      case 'fileDiverged':
        this.#file(host, effect);
        return;
      case 'judged':
        host.log.judged(effect.entries);
        return;
      case 'notice':
        this.#onNotice(host, effect.notice);
        return;
      case 'stop':
        throw new Error(`${host.id} stops: ${effect.reason}`);
      default:
        return;
    }
  }

  #onNotice(host: RandomHost, notice: Extract<Effect, { kind: 'notice' }>['notice']): void {
    if (notice.kind === 'promotion') this.counts.promotions++;
    if (notice.kind === 'truncated') this.counts.truncations++;
    if (notice.kind === 'repair' && notice.state === 'healed') this.counts.healed++;
    if (notice.kind === 'excluded')
      assert(this.hosts.get(notice.peer)!.mayBeOut, `${host.id}: ${notice.peer} is out: ${notice.reason}`);
  }

  #persist(host: RandomHost, effect: Extract<Effect, { kind: 'persist' }>): void {
    const { record, hardState } = effect.order;
    if (record.kind === 'entries' && host.core?.context.role === 'primary')
      for (const entry of record.entries)
        if (entry.term === hardState.term) this.history.logged(entry, this.now);
    host.log.append(effect.order);
    this.#sync(host);
  }

  /** Durable a moment later; what a crash prevents is found again by the next start. */
  #file(host: RandomHost, effect: Extract<Effect, { kind: 'fileDiverged' }>): void {
    const { boot } = host;
    this.#later(this.draw(6), () => {
      if (host.boot !== boot || host.core === undefined) return;
      for (const entry of effect.entries) this.history.filed(host.id, entry);
      this.counts.diverged += effect.entries.length;
      host.log.judged(effect.entries);
    });
  }

  #sync(host: RandomHost): void {
    if (host.persisting) return;
    const { boot } = host;
    host.persisting = true;
    const count = host.log.outstanding.length;
    const slow = this.random.next() < this.#conditions.slowDisk ? 100 : 0;
    this.#later(0.3 + this.random.next() * 3 + slow, () => {
      if (host.boot !== boot || host.core === undefined) return;
      host.persisting = false;
      const ticket = host.log.sync(count);
      if (ticket !== undefined) this.input(host, { kind: 'persisted', ticket });
      if (host.log.outstanding.length > 0) this.#sync(host);
    });
  }

  #transmit(from: NodeId, to: NodeId, message: PeerMessage): void {
    assert(from !== to, `${from} talks to itself`);
    const link = `${from}>${to}`;
    const epoch = this.#linkEpoch.get(link) ?? 0;
    if (this.#cut.has(link)) return;
    const delay = 0.1 + this.random.next() * this.#conditions.latencyMs;
    const at = Math.max(this.#linkBusy.get(link) ?? 0, this.now + delay);
    this.#linkBusy.set(link, at);
    this.#later(at - this.now, () => {
      if ((this.#linkEpoch.get(link) ?? 0) !== epoch || this.#cut.has(link)) return;
      this.input(this.hosts.get(to)!, { kind: 'message', from, message });
    });
  }

  #connect(from: NodeId, to: NodeId): void {
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      const host = this.hosts.get(a)!;
      const peer = this.hosts.get(b)!;
      if (host.core === undefined || peer.core === undefined || this.#cut.has(`${a}>${b}`)) continue;
      this.#bump(a, b);
      const { genesis, exclusion } = peer.core.context;
      const hello = {
        kind: 'linkUp',
        peer: b,
        boot: `${peer.boot}` as BootId,
        disk: peer.disk,
        voters: this.ids,
        ...(genesis === undefined ? {} : { cluster: genesis.cluster }),
        ...(exclusion === undefined ? {} : { exclusion }),
      } as const;
      this.#later(0.5, () => this.input(host, hello));
    }
  }

  #bump(from: NodeId, to: NodeId): void {
    const link = `${from}>${to}`;
    this.#linkEpoch.set(link, (this.#linkEpoch.get(link) ?? 0) + 1);
  }

  #sendSnapshot(host: RandomHost, peer: NodeId): void {
    const image: MemoryStore = host.store.clone();
    image.checkpoint();
    const { boot } = host;
    this.#later(5 + this.draw(50), () => {
      if (host.boot !== boot || host.core === undefined) return;
      const receiver = this.hosts.get(peer)!;
      const lost =
        receiver.core === undefined || this.#cut.has(`${host.id}>${peer}`) || this.random.next() < 0.1;
      if (lost) {
        this.input(host, { kind: 'snapshotSent', peer });
        return;
      }
      const directory = `snapshot-${this.#nextSnapshot++}`;
      receiver.snapshots.set(directory, image);
      this.#transfers.set(directory, { sender: host, boot, receiver: peer, position: image.applied });
      const receiving = receiver.boot;
      this.input(receiver, { kind: 'snapshotReceived', directory, state: image.state() });
      // A receiver that dies meanwhile says nothing: the link tells.
      this.#later(2000, () => {
        if (receiver.boot !== receiving || receiver.core === undefined)
          this.#settleSnapshot(directory, false);
      });
    });
  }

  #settleSnapshot(directory: string, taken: boolean): void {
    const transfer = this.#transfers.get(directory);
    if (transfer === undefined) return;
    this.#transfers.delete(directory);
    const { sender, boot, receiver: peer, position } = transfer;
    this.#later(2, () => {
      if (sender.boot === boot)
        this.input(sender, { kind: 'snapshotSent', peer, ...(taken ? { position } : {}) });
    });
  }

  #scheduleTick(host: RandomHost, boot: number): void {
    this.#later(5, () => {
      if (host.boot !== boot || host.core === undefined) return;
      if (host.pausedUntil <= this.now) this.input(host, { kind: 'tick' });
      this.#scheduleTick(host, boot);
    });
  }

  #back(host: RandomHost, delay: number, input: Input): void {
    const { boot } = host;
    this.#later(delay, () => {
      if (host.boot === boot && host.core !== undefined) this.input(host, input);
    });
  }

  #later(delay: number, run: () => void): void {
    this.#events.add(this.now + Math.max(0, delay), run);
  }

  #drawConditions(): Conditions {
    const tight = this.draw(3) === 0;
    return {
      limits: {
        ...LIMITS,
        logCacheBytesMax: 4096,
        sessionIdleMs: this.pick([LIMITS.sessionIdleMs, 1500]),
        expiriesPerEntryMax: this.pick([LIMITS.expiriesPerEntryMax, 2]),
        clearKeysMax: this.pick([LIMITS.clearKeysMax, 2]),
        ...(this.draw(2) === 0 ? {} : { asyncLagBytesMax: 400, asyncLagMsMax: 150 }),
        ...(tight ? { peerWindowEntries: 2, entryRequestsMax: 2, sessionWindow: 6, sessionsMax: 2 } : {}),
      },
      latencyMs: this.pick([2, 2, 2, 30]),
      slowDisk: this.pick([0.02, 0.02, 0.2]),
    };
  }

  #config(host: RandomHost): CoreConfig {
    return {
      self: host.id,
      disk: host.disk as DiskId,
      voters: this.ids,
      database: 'default',
      timing: TIMING,
      limits: this.#conditions.limits,
      seed: host.boot * 1000 + this.ids.indexOf(host.id),
      genesisNames: { cluster: 'c'.repeat(32), database: 'd'.repeat(32) },
    };
  }
}
