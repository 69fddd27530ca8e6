import {
  keyText,
  type LogIndex,
  type NodeId,
  type Revision,
  type StoredRecord,
  TransientMap,
  type WireError,
} from '@holdfast/types';
import { Deadlines } from '../acks/deadlines.ts';
import type { ProposedRead, ServedRead } from '../api.ts';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import { wireError } from '../kernel/wire-errors.ts';
import type { Overlay } from '../state/overlay.ts';
import type { Freshness } from './freshness.ts';

const DEADLINE_BUCKET_MS = 16;
/** Read rounds under way at once. */
const ROUNDS_MAX = 4;
/** How long a standby waits for its log to reach a token before it sends the client to the primary, ms. */
const TOKEN_WAIT_MS = 100;
/** A range read costs as much as so many reads of keys, or more: it goes first. */
const RANGE_WEIGHT = 2;
/** Ask the primary again, with a new id, after so long, ms. */
const ASK_AGAIN_MS = 200;

/** What a primary lends to its reads. */
export interface ReadOffice {
  /** The opening entry is applied, and this node has its majority. */
  readonly admitting: boolean;
  readonly overlay: Overlay;
  /** Of an entry made now. */
  readonly logTime: number;
  readonly lastRound: number;
  readonly confirmedRound: number;
  beginRound(): number;
  /** Index of the entry that handed out `revision`, if it is not applied yet. */
  indexOf(revision: Revision): LogIndex | undefined;
}

interface LocalRead {
  readonly kind: 'local';
  readonly read: ProposedRead;
  index: LogIndex;
  /** The first round begun after it arrived. */
  round: number;
  settled: boolean;
  /** A standby gives up waiting for the token then. */
  readonly waitUntil: number;
}

interface RemoteRead {
  readonly kind: 'remote';
  readonly from: NodeId;
  readonly id: number;
  readonly index: LogIndex;
  readonly round: number;
  /** Nobody waits for it after that. */
  readonly deadline: number;
  settled: boolean;
}

interface Ask {
  readonly id: number;
  readonly askedAt: number;
  readonly reads: readonly LocalRead[];
}

/**
 * Reads at every consistency. Linearizable: a read index confirmed by a round begun after arrival, then applied;
 * no lease, no clock, never the overlay (Raft §6.4; faults 13, 51, 52).
 */
export class ReadDesk {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #freshness: Freshness;
  #office: ReadOffice | undefined;
  readonly #pending = new TransientMap<number, LocalRead>();
  readonly #deadlines = new Deadlines<LocalRead>(DEADLINE_BUCKET_MS, ({ read }) => read.deadline);
  /** Linearizable reads of a primary whose opening entry is not applied yet. */
  #early: LocalRead[] = [];
  #unconfirmed: (LocalRead | RemoteRead)[] = [];
  #confirmed: LocalRead[] = [];
  #sessions: LocalRead[] = [];
  #asks: Ask[] = [];
  #served: ServedRead[] = [];
  #refused: { id: number; error: WireError }[] = [];

  constructor(context: Context, parts: { readonly applier: Applier; readonly freshness: Freshness }) {
    this.#context = context;
    this.#applier = parts.applier;
    this.#freshness = parts.freshness;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Reads that wait for the opening entry, answered ones among them. */
  get early(): number {
    return this.#early.length;
  }

  read(reads: readonly ProposedRead[]): void {
    const toAsk: LocalRead[] = [];
    for (const read of reads) {
      const refusal = this.#whyRefused(read);
      if (refusal !== undefined) {
        this.#refused.push({ id: read.id, error: refusal });
        continue;
      }
      if (read.consistency === 'eventual') {
        this.#serveEventual(read);
        continue;
      }
      const pending: LocalRead = {
        kind: 'local',
        read,
        index: 0 as LogIndex,
        round: 0,
        settled: false,
        waitUntil: Math.min(read.deadline, this.#context.now + TOKEN_WAIT_MS),
      };
      if (read.consistency === 'session') {
        if (!this.#trySession(pending)) this.#keep(pending, this.#sessions);
      } else if (this.#office === undefined) {
        this.#keep(pending, toAsk);
      } else if (!this.#office.admitting) {
        this.#keep(pending, this.#early);
      } else {
        this.#index(pending, this.#office);
        this.#keep(pending, this.#unconfirmed as LocalRead[]);
      }
    }
    if (toAsk.length > 0) this.#ask(toAsk);
  }

  /** A standby asks for the index of its reads. The whole log counts (cheaper than keys), once it is committed. */
  onReadIndex(from: NodeId, id: number, remainingMs: number): void {
    const { term, log, config } = this.#context;
    const full = this.#unconfirmed.length >= config.limits.pendingReadsMax;
    if (this.#office === undefined || !this.#office.admitting || full) {
      this.#context.send(from, { kind: 'readIndexReply', term, id });
      return;
    }
    this.#unconfirmed.push({
      kind: 'remote',
      from,
      id,
      index: log.last.index,
      round: this.#office.lastRound + 1,
      deadline: this.#context.now + remainingMs,
      settled: false,
    });
  }

  onReadIndexReply(id: number, index: LogIndex | undefined): void {
    const at = this.#asks.findIndex((ask) => ask.id === id);
    if (at < 0) return;
    const [ask] = this.#asks.splice(at, 1);
    for (const pending of ask!.reads) {
      if (pending.settled) continue;
      if (index === undefined) {
        this.#refuse(
          pending,
          wireError('HOLDFAST_NO_PRIMARY', 'the primary is not ready to serve reads', { retryAfterMs: 10 }),
        );
      } else {
        pending.index = index;
        this.#confirmed.push(pending);
      }
    }
  }

  cancel(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.settled = true;
    this.#pending.delete(id);
  }

  /** This node took office, or lost it. */
  setOffice(office: ReadOffice | undefined): void {
    this.#office = office;
    this.#dropUnconfirmed('this node is no longer primary');
  }

  /** Another primary, or none: what was asked of the old one is void, an id is never used again (fault 52). */
  primaryChanged(): void {
    const reads = this.#asks.flatMap((ask) => ask.reads).filter((read) => !read.settled);
    this.#asks = [];
    if (reads.length > 0) this.#ask(reads);
  }

  tick(): void {
    const { now } = this.#context;
    this.#deadlines.expire(now, (pending) => {
      this.#refuse(
        pending,
        wireError('HOLDFAST_DEADLINE_EXCEEDED', 'the read was not answered in time', {
          outcome: 'not-applied',
        }),
      );
    });
    // An opening entry may take long to commit, and clients try again.
    if (this.#early.length > 0) this.#early = this.#early.filter((pending) => !pending.settled);
    const stale = this.#asks.filter((ask) => now - ask.askedAt > ASK_AGAIN_MS);
    if (stale.length > 0) {
      this.#asks = this.#asks.filter((ask) => now - ask.askedAt <= ASK_AGAIN_MS);
      const reads = stale.flatMap((ask) => ask.reads).filter((read) => !read.settled);
      if (reads.length > 0) this.#ask(reads);
    }
  }

  /**
   * Session reads that what became durable allows. Before the next entry is made: it may touch the same keys, and
   * so might the one after it, for as long as the writes go on.
   */
  onDurable(): void {
    if (this.#office !== undefined && this.#sessions.length > 0) this.#trySessions();
  }

  /** Serves whatever became true in this step. */
  pump(): void {
    if (this.#office !== undefined) this.#pumpOffice(this.#office);
    if (this.#confirmed.length > 0) {
      const { index } = this.#applier.applied;
      this.#confirmed = this.#confirmed.filter((pending) => {
        if (pending.settled) return false;
        if (pending.index > index || !this.#applier.serving) return true;
        this.#serve(pending, {
          id: pending.read.id,
          revision: this.#applier.appliedRevision,
          stalenessMs: 0,
        });
        return false;
      });
    }
    if (this.#sessions.length > 0) this.#trySessions();
    if (this.#served.length > 0) {
      const logTime = this.#office?.logTime ?? this.#applier.logTime;
      this.#context.emit({ kind: 'serve', reads: this.#served, logTime });
    }
    if (this.#refused.length > 0) this.#context.emit({ kind: 'refuseReads', reads: this.#refused });
    this.#served = [];
    this.#refused = [];
  }

  #pumpOffice(office: ReadOffice): void {
    if (office.admitting && this.#early.length > 0) {
      for (const pending of this.#early) this.#index(pending, office);
      this.#unconfirmed.push(...this.#early);
      this.#early = [];
    }
    if (this.#unconfirmed.length === 0) return;
    // Too many under way: the next heartbeat is a round as good as any.
    if (
      this.#unconfirmed.at(-1)!.round > office.lastRound &&
      office.lastRound - office.confirmedRound < ROUNDS_MAX
    )
      office.beginRound();
    this.#unconfirmed = this.#unconfirmed.filter((pending) => {
      if (pending.settled) return false;
      if (pending.round > office.confirmedRound) return true;
      if (pending.kind === 'local') this.#confirmed.push(pending);
      else if (pending.deadline <= this.#context.now) return false;
      else if (pending.index > this.#context.commit) return true;
      else
        this.#context.send(pending.from, {
          kind: 'readIndexReply',
          term: this.#context.term,
          id: pending.id,
          index: pending.index,
        });
      return false;
    });
  }

  /** max(commit, newest entry that touches the keys): a client sees its own writes, and nothing that could be lost. */
  #index(pending: LocalRead, office: ReadOffice): void {
    const { commit, log } = this.#context;
    const { keys } = pending.read;
    const touching = keys === undefined ? log.last.index : office.overlay.newestIndex(keys);
    pending.index = Math.max(commit, touching) as LogIndex;
    pending.round = office.lastRound + 1;
  }

  #ask(reads: readonly LocalRead[]): void {
    const { primary, links, now, runNames, term } = this.#context;
    if (primary === undefined || links.get(primary)?.up !== true) {
      for (const pending of reads)
        this.#refuse(pending, wireError('HOLDFAST_NO_PRIMARY', 'no primary is known', { retryAfterMs: 20 }));
      return;
    }
    const id = runNames.nextQuestion();
    this.#asks.push({ id, askedAt: now, reads });
    const deadline = reads.reduce((latest, { read }) => Math.max(latest, read.deadline), now);
    // A client may set none that ever comes: what is no number of the protocol would cost this node its link.
    const remainingMs = Math.min(Math.ceil(deadline - now), Number.MAX_SAFE_INTEGER);
    this.#context.send(primary, { kind: 'readIndex', term, id, remainingMs });
  }

  #trySessions(): void {
    this.#sessions = this.#sessions.filter((pending) => !pending.settled && !this.#trySession(pending));
  }

  /** True when it is served or refused. */
  #trySession(pending: LocalRead): boolean {
    const { token } = pending.read;
    const { history, appliedRevision } = this.#applier;
    if (history.verdict(token) === 'lost') {
      const detail = history.newestSurvivor(token);
      const error = wireError(
        'HOLDFAST_SESSION_DIVERGED',
        'the session has seen a write that a failover lost',
        { detail },
      );
      this.#refuse(pending, error);
      return true;
    }
    if (token <= appliedRevision && this.#applier.serving) {
      this.#serve(pending, {
        id: pending.read.id,
        revision: appliedRevision,
        stalenessMs: this.#freshness.stalenessMs(this.#context.now),
      });
      return true;
    }
    if (this.#office !== undefined) return this.#office.admitting && this.#tryOverlay(pending, this.#office);
    if (this.#context.now < pending.waitUntil) return false;
    this.#refuse(
      pending,
      wireError('HOLDFAST_NOT_PRIMARY', 'this node has not applied what the session has seen'),
    );
    return true;
  }

  /** The primary that gave the token serves it from store and overlay, up to what is durable here. */
  #tryOverlay(pending: LocalRead, office: ReadOffice): boolean {
    const { keys, token } = pending.read;
    if (keys === undefined) return false;
    const tokenIndex = office.indexOf(token);
    const durable = this.#context.persists.durable;
    if (tokenIndex === undefined || durable < Math.max(tokenIndex, office.overlay.newestIndex(keys)))
      return false;
    let revision = Math.max(token, this.#applier.appliedRevision);
    const overlay = keys.map((key): StoredRecord | null | undefined => {
      const record = office.overlay.get(keyText(key));
      if (record === undefined) return undefined;
      const { value, expiresAt } = record;
      revision = Math.max(revision, record.revision);
      if (value === null) return null;
      const found = { value, revision: record.revision };
      return expiresAt === undefined ? found : { ...found, expiresAt };
    });
    this.#serve(pending, { id: pending.read.id, revision: revision as Revision, stalenessMs: 0, overlay });
    return true;
  }

  #serveEventual(read: ProposedRead): void {
    const stalenessMs = this.#freshness.stalenessMs(this.#context.now);
    const bound = read.maxStalenessMs;
    if (bound !== undefined && (stalenessMs < 0 || stalenessMs > bound)) {
      const age = stalenessMs < 0 ? 'of unknown age' : `${Math.round(stalenessMs)} ms old`;
      this.#refused.push({ id: read.id, error: wireError('HOLDFAST_TOO_STALE', `the state here is ${age}`) });
    } else this.#served.push({ id: read.id, revision: this.#applier.appliedRevision, stalenessMs });
  }

  /** Before replay is done nothing is served, least of all emptiness (fault 53). */
  #whyRefused(read: ProposedRead): WireError | undefined {
    if (this.#context.exclusion !== undefined) {
      const code =
        this.#context.exclusion === 'disk-went-back' ? 'HOLDFAST_DISK_WENT_BACK' : 'HOLDFAST_NODE_REPLACED';
      return wireError(code, `this node is out of its cluster: ${this.#context.exclusion}`, {
        retryable: true,
      });
    }
    if (!this.#applier.serving || this.#context.genesis === undefined) {
      return wireError('HOLDFAST_NOT_READY', 'this node is not ready to serve', { retryAfterMs: 50 });
    }
    if (read.deadline <= this.#context.now) {
      return wireError('HOLDFAST_DEADLINE_EXCEEDED', 'the deadline passed before the read arrived', {
        outcome: 'not-applied',
      });
    }
    if (this.#pending.size >= this.#context.config.limits.pendingReadsMax) {
      return wireError('HOLDFAST_OVERLOADED', 'too many reads are pending', { retryAfterMs: 20 });
    }
    return this.#context.shedding.refusesRead(read.keys === undefined ? RANGE_WEIGHT : 1);
  }

  #dropUnconfirmed(reason: string): void {
    for (const pending of [...this.#early, ...this.#unconfirmed]) {
      if (pending.kind === 'local') this.#refuse(pending, wireError('HOLDFAST_NOT_PRIMARY', reason));
    }
    this.#early = [];
    this.#unconfirmed = [];
  }

  #keep(pending: LocalRead, list: LocalRead[]): void {
    this.#pending.set(pending.read.id, pending);
    this.#deadlines.add(pending);
    list.push(pending);
  }

  #serve(pending: LocalRead, served: ServedRead): void {
    pending.settled = true;
    this.#pending.delete(pending.read.id);
    this.#served.push(served);
  }

  #refuse(pending: LocalRead, error: WireError): void {
    if (pending.settled) return;
    pending.settled = true;
    this.#pending.delete(pending.read.id);
    this.#refused.push({ id: pending.read.id, error });
  }
}
