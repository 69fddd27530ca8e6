import {
  type Ack,
  assert,
  type BootId,
  type DiskId,
  type Entry,
  entryBytes,
  LIMITS,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Revision,
  type SessionId,
  type Term,
} from '@holdfast/types';
import type { ClientReply, CoreConfig, Effect, Input, ProposedRead } from '../../src/api.ts';
import { Core } from '../../src/core.ts';
import { SeededRandom } from '../../src/kernel/seeded-random.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryStore } from './memory-store.ts';

export const TIMING = {
  heartbeatMs: 50,
  electionTimeoutMs: 400,
  rankStepMs: 15,
  preVoteRepeatMs: 10,
  persistStallMaxMs: 2000,
};

interface Event {
  readonly at: number;
  readonly order: number;
  run(): void;
}

interface Host {
  readonly id: NodeId;
  core: Core | undefined;
  log: MemoryLog;
  store: MemoryStore;
  boot: number;
  persisting: boolean;
  snapshots: Map<string, MemoryStore>;
  pausedUntil: number;
  /** What arrived while it was paused. */
  readonly inbox: Input[];
}

interface Call {
  readonly session: SessionId;
  readonly sequence: number;
  readonly key: string;
  readonly ack: Ack;
  readonly increment: boolean;
  state: 'pending' | 'acknowledged' | 'refused';
  node: NodeId;
}

/**
 * Cores on a virtual clock with links that break, disks that lose what was not synced, crashes and pauses; it
 * checks after every step what must hold for the cluster as a whole.
 */
export class RandomCluster {
  readonly random: SeededRandom;
  readonly hosts = new Map<NodeId, Host>();
  readonly ids: NodeId[];
  now = 1000;
  readonly calls: Call[] = [];
  readonly counts = {
    steps: 0,
    crashes: 0,
    promotions: 0,
    truncations: 0,
    snapshots: 0,
    acknowledged: 0,
    diverged: 0,
    storesLost: 0,
    reads: 0,
  };
  readonly #events: Event[] = [];
  #order = 0;
  readonly #cut = new Set<string>();
  readonly #linkEpoch = new Map<string, number>();
  /** Newest delivery time per link: messages keep their order. */
  readonly #linkBusy = new Map<string, number>();
  readonly #primaries = new Map<Term, NodeId>();
  readonly #committed = new Map<LogIndex, Term>();
  readonly #session = new Map<SessionId, { next: number }>();
  readonly #reads = new Map<number, { host: Host; floor: number; key: string }>();
  readonly #acknowledgedCounts = new Map<string, number>();
  readonly #maybeCounts = new Map<string, number>();
  readonly diverged: Entry[] = [];
  #nextId = 1;

  constructor(seed: number, nodes: number) {
    this.random = new SeededRandom(seed);
    this.ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}` as NodeId);
    for (const id of this.ids) {
      const host = {
        id,
        core: undefined,
        log: new MemoryLog(),
        store: new MemoryStore(),
        boot: 0,
        persisting: false,
        snapshots: new Map(),
        pausedUntil: 0,
        inbox: [],
      };
      this.hosts.set(id, host);
    }
    for (const host of this.hosts.values()) this.start(host);
  }

  draw(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.draw(items.length)]!;
  }

  start(host: Host): void {
    host.boot++;
    host.persisting = false;
    const { base } = host.log.recover();
    for (const image of host.snapshots.values()) {
      if (image.applied.index === base.index && host.store.applied.index < base.index) host.store = image;
    }
    host.snapshots.clear();
    // Now and then a store is lost whole, while enough others can lead.
    const othersUsable = [...this.hosts.values()].every(
      (other) => other === host || other.core?.applier.usable === true,
    );
    if (host.boot > 1 && this.ids.length > 2 && othersUsable && this.draw(8) === 0) {
      host.store = new MemoryStore();
      this.counts.storesLost++;
    }
    const recovered = { log: host.log.recover(), store: host.store.state(), storeUsable: true };
    host.core = new Core(this.#config(host), recovered, this.now);
    this.#perform(host, host.core.step({ kind: 'tick' }, this.now));
    this.#scheduleTick(host, host.boot);
    for (const other of this.ids) if (other !== host.id) this.#connect(host.id, other);
  }

  crash(host: Host): void {
    if (host.core === undefined) return;
    this.counts.crashes++;
    host.core = undefined;
    host.log.crash(this.draw(host.log.outstanding.length + 1));
    host.inbox.length = 0;
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

  pause(host: Host, ms: number): void {
    host.pausedUntil = Math.max(host.pausedUntil, this.now + ms);
  }

  openSession(): void {
    const host = this.primary() ?? this.pick([...this.hosts.values()]);
    this.input(host, { kind: 'openSession', connection: 1, id: this.#nextId++, deadline: this.now + 2000 });
  }

  write(): void {
    if (this.#session.size === 0) return this.openSession();
    const session = this.pick([...this.#session.keys()]);
    const sequence = this.#session.get(session)!.next++;
    const call: Call = {
      session,
      sequence,
      key: `k${this.draw(5)}`,
      ack: this.pick(['local', 'quorum', 'quorum', 'all'] as const),
      increment: this.random.next() < 0.5,
      state: 'pending',
      node: 'n1' as NodeId,
    };
    this.calls.push(call);
    this.send(call);
  }

  /** Sends a call, again perhaps, to whoever may be primary. */
  send(call: Call): void {
    const host = this.primary() ?? this.pick([...this.hosts.values()]);
    const key = Buffer.from(call.increment ? `c${call.key}` : call.key);
    const id = this.#nextId++;
    this.#pendingCalls.set(id, call);
    if (call.increment)
      this.#maybeCounts.set(
        call.key,
        (this.#maybeCounts.get(call.key) ?? 0) + (this.#counted.has(call) ? 0 : 1),
      );
    this.#counted.add(call);
    this.input(host, {
      kind: 'propose',
      connection: 1,
      session: call.session,
      floor: 0,
      requests: [
        {
          id,
          sequence: call.sequence,
          ack: call.ack,
          deadline: this.now + 500 + this.draw(3000),
          conditions: [],
          operations: call.increment
            ? [{ kind: 'increment', key, by: 1 }]
            : [{ kind: 'put', key, value: Buffer.from(`${call.session}/${call.sequence}`) }],
        },
      ],
    });
  }
  readonly #pendingCalls = new Map<number, Call>();
  readonly #counted = new Set<Call>();

  /** A linearizable read of a counter: never below what was acknowledged before it was asked. */
  read(): void {
    const host = this.pick([...this.hosts.values()]);
    if (host.core === undefined) return;
    const key = `k${this.draw(5)}`;
    const id = this.#nextId++;
    this.#reads.set(id, { host, floor: this.#acknowledgedCounts.get(key) ?? 0, key });
    const read: ProposedRead = {
      id,
      consistency: 'linearizable',
      deadline: this.now + 1000,
      keys: [Buffer.from(`c${key}`)],
      token: 0 as Revision,
    };
    this.input(host, { kind: 'read', reads: [read] });
  }

  switchover(): void {
    const host = this.primary();
    if (host !== undefined)
      this.input(host, { kind: 'order', order: { kind: 'switchover', id: this.#nextId++ } });
  }

  /** Frees what the log's head need not keep, so that laggards need a snapshot. */
  compact(host: Host): void {
    if (host.core === undefined) return;
    const checkpoint = host.store.checkpoint();
    const below = Math.min(
      checkpoint.index + 1,
      host.core.applier.supersededFrom ?? Number.MAX_SAFE_INTEGER,
    ) as LogIndex;
    host.log.removeHead(below);
    this.input(host, { kind: 'headRemoved', below });
  }

  checkpoint(host: Host): void {
    if (host.core !== undefined) host.store.checkpoint();
  }

  primary(): Host | undefined {
    let newest: Host | undefined;
    for (const host of this.hosts.values()) {
      if (host.core?.context.role !== 'primary') continue;
      if (newest === undefined || host.core.context.term > newest.core!.context.term) newest = host;
    }
    return newest;
  }

  get acknowledgedCounts(): ReadonlyMap<string, number> {
    return this.#acknowledgedCounts;
  }

  get maybeCounts(): ReadonlyMap<string, number> {
    return this.#maybeCounts;
  }

  runFor(ms: number): void {
    const until = this.now + ms;
    while (this.#events.length > 0) {
      const at = this.#soonest();
      const event = this.#events[at]!;
      if (event.at > until) break;
      this.#events.splice(at, 1);
      this.now = Math.max(this.now, event.at);
      event.run();
    }
    this.now = until;
  }

  input(host: Host, input: Input): void {
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

  #step(host: Host, input: Input): void {
    if (host.core === undefined) return;
    this.counts.steps++;
    this.#perform(host, host.core.step(input, this.now));
    host.core?.checkInvariants();
    this.#checkElection(host);
  }

  #perform(host: Host, effects: readonly Effect[]): void {
    for (const effect of effects) this.#performOne(host, effect);
  }

  #performOne(host: Host, effect: Effect): void {
    const { boot } = host;
    const back = (delay: number, input: Input): void =>
      this.#later(delay, () => {
        if (host.boot === boot && host.core !== undefined) this.input(host, input);
      });
    switch (effect.kind) {
      case 'persist':
        host.log.append(effect.order);
        this.#sync(host);
        return;
      case 'send':
        this.#transmit(host.id, effect.to, effect.message);
        return;
      case 'apply':
        for (const entry of effect.entries) this.#checkCommitted(host, entry);
        host.store.apply(effect);
        back(this.draw(3), { kind: 'applied', index: effect.applied.index });
        return;
      case 'load':
        back(this.draw(3), {
          kind: 'loaded',
          id: effect.id,
          entries: host.log.read({
            from: effect.from,
            to: effect.to,
            bytesMax: effect.bytesMax,
            bytesOf: entryBytes,
          }),
        });
        return;
      case 'fetch':
        back(this.draw(3), {
          kind: 'fetched',
          id: effect.id,
          records: effect.keys.map((key) => host.store.get(key)),
        });
        return;
      case 'serve':
        for (const served of effect.reads) this.#checkRead(host, served.id);
        return;
      case 'refuseReads':
        for (const { id } of effect.reads) this.#reads.delete(id);
        return;
      case 'reply':
        for (const reply of effect.replies) this.#onReply(reply);
        return;
      case 'sendSnapshot':
        this.#sendSnapshot(host, effect.peer);
        return;
      case 'install':
        host.store = host.snapshots.get(effect.directory)!;
        host.snapshots.delete(effect.directory);
        this.counts.snapshots++;
        back(1, { kind: 'installed', directory: effect.directory });
        return;
      case 'fileDiverged':
        this.diverged.push(...effect.entries);
        this.counts.diverged += effect.entries.length;
        host.log.judged(effect.entries);
        return;
      case 'judged':
        host.log.judged(effect.entries);
        return;
      case 'notice':
        if (effect.notice.kind === 'promotion') this.counts.promotions++;
        if (effect.notice.kind === 'truncated') this.counts.truncations++;
        if (effect.notice.kind === 'excluded')
          throw new Error(`${effect.notice.peer} is excluded: ${effect.notice.reason}`);
        return;
      case 'stop':
        throw new Error(`${host.id} stops: ${effect.reason}`);
      default:
        return;
    }
  }

  #sync(host: Host): void {
    if (host.persisting) return;
    const { boot } = host;
    host.persisting = true;
    const count = host.log.outstanding.length;
    const slow = this.random.next() < 0.02 ? 100 : 0;
    this.#later(0.3 + this.random.next() * 3 + slow, () => {
      if (host.boot !== boot || host.core === undefined) return;
      host.persisting = false;
      const ticket = host.log.sync(count);
      if (ticket !== undefined) this.input(host, { kind: 'persisted', ticket });
      if (host.log.outstanding.length > 0) this.#sync(host);
    });
  }

  #transmit(from: NodeId, to: NodeId, message: PeerMessage): void {
    const link = `${from}>${to}`;
    const epoch = this.#linkEpoch.get(link) ?? 0;
    if (this.#cut.has(link)) return;
    const at = Math.max(this.#linkBusy.get(link) ?? 0, this.now + 0.1 + this.random.next() * 2);
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
      const genesis = peer.core.context.genesis;
      const hello = {
        kind: 'linkUp',
        peer: b,
        boot: `${peer.boot}` as BootId,
        disk: diskOf(b),
        voters: this.ids,
      } as const;
      this.#later(0.5, () =>
        this.input(host, genesis === undefined ? hello : { ...hello, cluster: genesis.cluster }),
      );
    }
  }

  #bump(from: NodeId, to: NodeId): void {
    const link = `${from}>${to}`;
    this.#linkEpoch.set(link, (this.#linkEpoch.get(link) ?? 0) + 1);
  }

  #sendSnapshot(host: Host, peer: NodeId): void {
    const image = host.store.clone();
    image.checkpoint();
    const { boot } = host;
    this.#later(5 + this.draw(50), () => {
      if (host.boot !== boot || host.core === undefined) return;
      const receiver = this.hosts.get(peer)!;
      const lost =
        receiver.core === undefined || this.#cut.has(`${host.id}>${peer}`) || this.random.next() < 0.1;
      if (!lost) {
        const directory = `snapshot-${this.#nextId++}`;
        receiver.snapshots.set(directory, image);
        this.input(receiver, { kind: 'snapshotReceived', directory, state: image.state() });
      }
      this.input(
        host,
        lost ? { kind: 'snapshotSent', peer } : { kind: 'snapshotSent', peer, position: image.applied },
      );
    });
  }

  #scheduleTick(host: Host, boot: number): void {
    this.#later(5, () => {
      if (host.boot !== boot || host.core === undefined) return;
      if (host.pausedUntil <= this.now) this.input(host, { kind: 'tick' });
      this.#scheduleTick(host, boot);
    });
  }

  #onReply(reply: ClientReply): void {
    if (reply.kind === 'sessionOpened') this.#session.set(reply.session, { next: 1 });
    const call = this.#pendingCalls.get(reply.id);
    if (call === undefined) return;
    this.#pendingCalls.delete(reply.id);
    if (reply.kind !== 'receipt' || call.state === 'acknowledged') return;
    call.state = 'acknowledged';
    this.counts.acknowledged++;
    if (call.increment)
      this.#acknowledgedCounts.set(call.key, (this.#acknowledgedCounts.get(call.key) ?? 0) + 1);
  }

  #checkRead(host: Host, id: number): void {
    const read = this.#reads.get(id);
    if (read === undefined) return;
    this.#reads.delete(id);
    this.counts.reads++;
    const record = host.store.get(Buffer.from(`c${read.key}`));
    const value = record === undefined ? 0 : Number(Buffer.from(record.value).toString());
    assert(
      value >= read.floor,
      `${host.id} serves a stale linearizable read of c${read.key}: ${value}, acknowledged before: ${read.floor}`,
    );
  }

  /** State machine safety: an index is applied with one term everywhere and for ever. */
  #checkCommitted(host: Host, entry: Entry): void {
    const before = this.#committed.get(entry.index);
    assert(
      before === undefined || before === entry.term,
      `${host.id} applies ${entry.index}@${entry.term}, elsewhere it is @${before}`,
    );
    this.#committed.set(entry.index, entry.term);
  }

  /** Election safety: one primary in a term. */
  #checkElection(host: Host): void {
    if (host.core?.context.role !== 'primary') return;
    const { term } = host.core.context;
    const before = this.#primaries.get(term);
    assert(
      before === undefined || before === host.id,
      `two primaries in term ${term}: ${before} and ${host.id}`,
    );
    this.#primaries.set(term, host.id);
  }

  #later(delay: number, run: () => void): void {
    this.#events.push({ at: this.now + Math.max(0, delay), order: this.#order++, run });
  }

  #soonest(): number {
    let best = 0;
    for (let at = 1; at < this.#events.length; at++) {
      const event = this.#events[at]!;
      const first = this.#events[best]!;
      if (event.at < first.at || (event.at === first.at && event.order < first.order)) best = at;
    }
    return best;
  }

  #config(host: Host): CoreConfig {
    return {
      self: host.id,
      disk: diskOf(host.id),
      voters: this.ids,
      database: 'default',
      timing: TIMING,
      limits: { ...LIMITS, logCacheBytesMax: 4096 },
      seed: host.boot * 1000 + this.ids.indexOf(host.id),
      genesisNames: { cluster: 'c'.repeat(32), database: 'd'.repeat(32) },
    };
  }
}

function diskOf(id: NodeId): DiskId {
  return `${id}`.padEnd(32, '0') as DiskId;
}
