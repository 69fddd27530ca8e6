import {
  type Ack,
  assert,
  assertNever,
  type Entry,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Term,
} from '@holdfast/types';
import type { CoreApi, CoreConfig, CoreStanding, CoreStatus, Effect, Input, RecoveredState } from './api.ts';
import { Applier } from './apply/applier.ts';
import { Elections } from './election/elections.ts';
import { Formation } from './formation/formation.ts';
import { Context, committedIn } from './kernel/context.ts';
import { checkInvariants } from './kernel/invariants.ts';
import { linkCameUp } from './kernel/link.ts';
import { readStanding, readStatus } from './kernel/status.ts';
import { wireError } from './kernel/wire-errors.ts';
import { evictLog } from './log/evict-log.ts';
import { Log } from './log/log.ts';
import { PersistQueue } from './log/persist-queue.ts';
import { Office } from './primary/office.ts';
import { Freshness } from './reads/freshness.ts';
import { ReadDesk } from './reads/read-desk.ts';
import { PullDesk } from './repair/pull-desk.ts';
import { Repair } from './repair/repair.ts';
import { SnapshotInstall } from './snapshot/snapshot-install.ts';
import { Standby } from './standby/standby.ts';

const NOTHING = 0 as LogIndex;

type TermMessageKind =
  | 'append'
  | 'heartbeat'
  | 'appendMatch'
  | 'appendConflict'
  | 'heartbeatReply'
  | 'resigned'
  | 'snapshotWanted'
  | 'readIndex'
  | 'readIndexReply'
  | 'stand';

/**
 * The replication state machine of one database on one node: `step(input) → effects`, synchronous, not re-entrant,
 * no clock, no I/O (P1–P13 in docs/guarantees.md). The safety argument is Raft's; the parts are folders beside this
 * file, and this class only carries inputs to them and roles from one to the next.
 */
export class Core implements CoreApi {
  readonly context: Context;
  readonly applier: Applier;
  readonly elections: Elections;
  readonly repair: Repair;
  readonly acknowledged: Record<Ack, number> = { local: 0, quorum: 0, all: 0 };
  office: Office | undefined;
  readonly reads: ReadDesk;
  readonly #standby: Standby;
  readonly #formation: Formation;
  readonly freshness: Freshness = new Freshness();
  readonly #install: SnapshotInstall;
  readonly #pullDesk: PullDesk;
  #steppedAt: number;
  #stepping = false;
  #diskFull = false;

  constructor(config: CoreConfig, recovered: RecoveredState, now: number) {
    const { log: recoveredLog, store } = recovered;
    const log = new Log(recoveredLog, {
      base: store,
      cacheFrom: (store.checkpoint.index + 1) as LogIndex,
      anchors: [store.checkpoint, store.applied],
    });
    const persists = new PersistQueue({ ticket: recoveredLog.ticket, durable: recoveredLog.last.index });
    this.context = new Context(config, recovered, { log, persists, now });
    this.#steppedAt = now;
    const { checkpoint } = store;
    // Below the checkpoint nothing is applied again. Nor is it sent to anybody: who could tell what the hole took with it.
    log.forget(recoveredLog.holes.findLast((hole) => hole.to <= checkpoint.index)?.to ?? NOTHING);
    const holes = recoveredLog.holes.filter((hole) => hole.to > checkpoint.index);
    this.repair = new Repair(this.context, holes);
    this.#pullDesk = new PullDesk(this.context);
    this.applier = new Applier(this.context, recovered);
    const parts = { applier: this.applier, freshness: this.freshness };
    this.reads = new ReadDesk(this.context, parts);
    this.#standby = new Standby(this.context, parts);
    const { applier, repair } = this;
    this.#install = new SnapshotInstall(this.context, { applier, repair, standby: this.#standby });
    this.#formation = new Formation(this.context, () => this.elections.monitor.retryByRank());
    this.elections = new Elections(this.context, {
      canStand: () => this.#canStand(),
      hasMajority: () => this.office !== undefined && this.office.whyResign() === undefined,
      becomeStandby: (term, reason, votedFor) => this.#becomeStandby(term, reason, votedFor),
      becomePrimary: () => this.#becomePrimary(),
    });
    // What was applied was durable in the log (P7): the log has lost its end, and votes with it (fault 41).
    if (committedIn(recovered) > recoveredLog.last.index) this.#formation.exclude('hard-state-lost');
    this.#formation.start();
  }

  step(input: Input, now: number): readonly Effect[] {
    assert(!this.#stepping, 'step is not re-entrant');
    this.#stepping = true;
    this.context.now = Math.max(this.context.now, now);
    this.#noticePause();
    this.#checkOffice();
    this.#take(input);
    this.#carryOn();
    this.#stepping = false;
    return this.context.takeEffects();
  }

  get standing(): CoreStanding {
    return readStanding(this);
  }

  status(now: number): CoreStatus {
    return readStatus(this, now);
  }

  retainFrom(peersFrom: LogIndex = 0 as LogIndex): LogIndex {
    const { applier, context, office } = this;
    const needed = office?.replicator.neededFrom() ?? Number.MAX_SAFE_INTEGER;
    const from = Math.min(applier.applied.index + 1, Math.max(needed, peersFrom));
    return Math.min(from, applier.supersededFrom ?? from, context.log.last.index + 1) as LogIndex;
  }

  readonly sequenceKind: CoreApi['sequenceKind'] = (...call) => this.applier.sessions.find(...call).kind;

  checkInvariants(): void {
    checkInvariants(this);
  }

  get applyAwaited(): boolean {
    if (this.reads.pending > 0 || this.context.role === 'candidate') return true;
    return this.office === undefined ? this.elections.monitor.suspecting : !this.office.admitting;
  }

  get serving(): boolean {
    return this.applier.serving && !this.repair.active;
  }

  #take(input: Input): void {
    switch (input.kind) {
      case 'tick':
        return this.#tick(input.lateMs);
      case 'message':
        return this.#onMessage(input.from, input.message);
      case 'linkUp':
        return this.#onLinkUp(input);
      case 'linkDown':
        return this.#onLinkDown(input.peer, input.cause);
      case 'propose':
        return this.#propose(input);
      case 'openSession':
        return this.#withOffice(input.connection, input.id, (office) =>
          office.admission.openSession(input.connection, input.id, input.deadline),
        );
      case 'closeSession':
        return this.#withOffice(input.connection, input.id, (office) =>
          office.admission.closeSession(input.session, 'closed', input),
        );
      case 'connectionClosed':
        // What it asked for goes on; answers to a closed connection are dropped by the driver.
        return;
      case 'read':
        return this.reads.read(input.reads);
      case 'cancelRead':
        return this.reads.cancel(input.id);
      case 'persisted':
        return this.#onPersisted(input.ticket);
      case 'applied':
        return this.#onApplied(input.index);
      case 'loaded':
        return this.#onLoaded(input.id, input.entries);
      case 'fetched':
        return this.office?.admission.fetched(input.id, input.records);
      case 'dueFound':
        return this.office?.expiries.found(input.id, input.due, input.next);
      case 'oldFound':
        return this.office?.admission.oldFound(input.id, input.found);
      case 'snapshotSent':
        return this.office?.replicator.onSnapshotSent(input.peer, input.position);
      case 'snapshotReceived':
        return this.#install.received(input.directory, input.state);
      case 'installed':
        return this.#install.installed(input.directory);
      case 'headRemoved':
        return this.context.log.dropHead((input.below - 1) as LogIndex);
      case 'order':
        return this.#order(input.order);
      default:
        return assertNever(input);
    }
  }

  #tick(lateMs = 0): void {
    this.context.shedding.tick(this.context.now, lateMs);
    this.reads.tick();
    if (this.office !== undefined) this.office.tick();
    // Who is out takes no answer: it would ask the same again for as long as it runs.
    if (this.context.exclusion !== undefined) return;
    if (this.repair.active) this.repair.tick();
    if (this.office === undefined && this.context.genesis !== undefined) this.elections.tick();
  }

  #onMessage(from: NodeId, message: PeerMessage): void {
    const { context } = this;
    if (!context.links.has(from)) return;
    if (context.exclusion !== undefined) {
      // Nothing of its own counts. But who looks for an entry would ask for ever, and never for a snapshot instead.
      if (message.kind === 'pull') context.send(from, { kind: 'pulled', index: message.index });
      return;
    }
    switch (message.kind) {
      case 'met':
        return this.#formation.onMet(from, message.disks);
      case 'genesis':
        return this.#formation.onGenesis(from, message.genesis);
      case 'preVote':
        return this.elections.onPreVote(from, message);
      case 'preVoteReply':
        return this.elections.onPreVoteReply(from, message);
      case 'vote':
        return this.elections.onVote(from, message);
      case 'voteReply':
        return this.elections.onVoteReply(from, message);
      case 'higherTerm':
        if (message.term > context.term)
          this.#becomeStandby(message.term, `${from} is in term ${message.term}`);
        return;
      case 'pull':
        return this.#pullDesk.onPull(from, message.index);
      case 'pulled':
        return this.repair.onPulled(from, message.index, message.entry);
      case 'excluded':
        if (this.office !== undefined) this.#resign('it is out of the cluster');
        return this.#formation.exclude(message.reason);
      default:
        return this.#onTermMessage(from, message);
    }
  }

  /** Messages that belong to one primary's term. */
  #onTermMessage(from: NodeId, message: Extract<PeerMessage, { term: Term; kind: TermMessageKind }>): void {
    const { context } = this;
    if (context.genesis === undefined) return;
    if (message.term < context.term) {
      context.sendAfter(context.persists.stateTicket, from, { kind: 'higherTerm', term: context.term });
      return;
    }
    if (message.term > context.term) this.#becomeStandby(message.term, `${from} is in term ${message.term}`);
    switch (message.kind) {
      case 'append':
        this.#follow(from);
        if (this.#install.busy) return;
        if (!this.repair.active) this.#standby.onAppend(from, message);
        else if (this.repair.exhausted) context.send(from, { kind: 'snapshotWanted', term: context.term });
        return;
      case 'heartbeat':
        this.#follow(from, message.successors);
        return this.#standby.onHeartbeat(from, message);
      case 'appendMatch':
        return this.office?.replicator.onMatch(from, message.match);
      case 'appendConflict':
        return this.office?.replicator.onConflict(from, message);
      case 'heartbeatReply':
        return this.office?.replicator.onHeartbeatReply(from, message);
      case 'snapshotWanted':
        return this.office?.replicator.onSnapshotWanted(from);
      case 'resigned':
        return this.elections.monitor.resigned(from);
      case 'readIndex':
        return this.reads.onReadIndex(from, message.id, message.remainingMs);
      case 'readIndexReply':
        if (message.index !== undefined) this.#standby.learnCommit(message.index);
        return this.reads.onReadIndexReply(message.id, message.index);
      case 'stand':
        return this.elections.onStand(from, message.last);
      default:
        return assertNever(message);
    }
  }

  /** `from` is the primary of this term: there is no other (election safety). */
  #follow(from: NodeId, successors?: readonly NodeId[]): void {
    const { context } = this;
    assert(
      context.role !== 'primary',
      `two primaries in term ${context.term}: ${context.config.self} and ${from}`,
    );
    if (context.role === 'candidate' || context.primary !== from) {
      this.elections.abandon();
      context.role = 'standby';
      context.primary = from;
      context.notice({
        kind: 'role',
        role: 'standby',
        term: context.term,
        reason: `${from} is primary`,
        primary: from,
      });
      context.notice({ kind: 'primaryKnown', term: context.term, primary: from });
      this.elections.monitor.heard(successors);
      this.reads.primaryChanged();
    } else {
      this.elections.monitor.heard(successors);
      this.elections.abandon();
    }
  }

  /** Adopts `term` if it is newer, and gives up whatever role there was. */
  #becomeStandby(term: Term, reason: string, votedFor?: NodeId): void {
    const { context } = this;
    const { office } = this;
    if (office !== undefined) this.#endOffice(office, reason);
    this.elections.abandon();
    const wasCandidate = context.role === 'candidate';
    context.role = 'standby';
    if (term > context.term) {
      context.setHardState(votedFor === undefined ? { term } : { term, votedFor });
      if (context.primary !== undefined) {
        context.primary = undefined;
        context.notice({ kind: 'primaryKnown', term });
      }
      this.elections.monitor.forgetPrimary();
      this.elections.monitor.postpone(context.config.timing.heartbeatMs);
      this.reads.primaryChanged();
    }
    if (office !== undefined || wasCandidate)
      context.notice({ kind: 'role', role: 'standby', term: context.term, reason });
  }

  #endOffice(office: Office, reason: string): void {
    const { context } = this;
    this.office = undefined;
    context.primary = undefined;
    office.end(`this node is no longer primary: ${reason}`);
    this.reads.setOffice(undefined);
    context.notice({ kind: 'stepDown', term: office.term, reason });
    context.notice({ kind: 'primaryKnown', term: context.term });
  }

  #becomePrimary(): void {
    const { context } = this;
    assert(context.role === 'candidate' && this.office === undefined, 'only a candidate becomes primary');
    context.role = 'primary';
    context.primary = context.config.self;
    this.elections.abandon();
    context.notice({
      kind: 'role',
      role: 'primary',
      term: context.term,
      reason: 'elected by a majority',
      primary: context.config.self,
    });
    context.notice({ kind: 'primaryKnown', term: context.term, primary: context.config.self });
    this.office = new Office(context, {
      applier: this.applier,
      freshness: this.freshness,
      acknowledged: this.acknowledged,
    });
    this.office.setDiskFull(this.#diskFull);
    this.reads.primaryChanged();
    this.reads.setOffice(this.office);
  }

  /** P13: before anything else, a primary that was frozen learns that it is none. */
  #checkOffice(): void {
    const reason = this.office?.whyResign();
    if (reason !== undefined) this.#resign(reason);
  }

  /** Steps down within the term, and tells everybody, so that nobody stays loyal. */
  #resign(reason: string): void {
    const { context } = this;
    context.broadcast({ kind: 'resigned', term: context.term });
    this.#becomeStandby(context.term, reason);
    this.elections.monitor.retryLater();
    this.elections.monitor.postpone(context.config.timing.electionTimeoutMs);
  }

  #noticePause(): void {
    const late = this.context.now - this.#steppedAt;
    this.#steppedAt = this.context.now;
    if (late > this.context.config.timing.heartbeatMs) this.elections.monitor.stalled();
  }

  #propose(input: Extract<Input, { kind: 'propose' }>): void {
    const { office } = this;
    if (office !== undefined) {
      office.touchSession(input.session);
      office.admission.propose(input);
      return;
    }
    for (const request of input.requests) this.#refuseWrite(input.connection, request.id);
  }

  #withOffice(connection: number, id: number, act: (office: Office) => void): void {
    if (this.office === undefined) this.#refuseWrite(connection, id);
    else act(this.office);
  }

  #refuseWrite(connection: number, id: number): void {
    const { primary } = this.context;
    const error =
      primary === undefined
        ? wireError('HOLDFAST_NO_PRIMARY', 'no primary is known', { retryAfterMs: 20 })
        : wireError('HOLDFAST_NOT_PRIMARY', `${primary} is primary`);
    this.context.replyError(connection, id, error);
  }

  #onLinkUp(input: Extract<Input, { kind: 'linkUp' }>): void {
    const { context } = this;
    const link = context.links.get(input.peer);
    if (link === undefined) return;
    const rebooted = linkCameUp(link, input, context.genesis);
    if (rebooted) this.elections.monitor.newBoot(input.peer);
    this.#formation.onLinkUp(input.peer);
    if (this.office !== undefined) this.office.replicator.onLinkUp(input.peer);
    else this.elections.onLinkUp(input.peer);
  }

  #onLinkDown(peer: NodeId, cause: 'lost' | 'refused'): void {
    const link = this.context.links.get(peer);
    if (link === undefined) return;
    link.up = false;
    this.office?.replicator.onLinkDown(peer);
    if (cause === 'lost') this.elections.monitor.linkLost(peer);
    else this.elections.monitor.linkRefused(peer);
    if (peer === this.context.primary) this.reads.primaryChanged();
  }

  #onPersisted(ticket: Parameters<PersistQueue['complete']>[0]): void {
    const { context } = this;
    context.persists.complete(ticket);
    this.reads.onDurable();
    const released: Effect[] = [];
    context.outbox.release(context.persists.completed, released);
    for (const effect of released) context.emit(effect);
    this.elections.onPersisted(context.persists.completed);
    this.#install.onPersisted(context.persists.completed);
  }

  #onApplied(index: LogIndex): void {
    this.applier.onApplied(index);
    this.freshness.onApplied(this.applier.applied.index);
    this.office?.onApplied(this.applier.applied.index);
    evictLog(this.context, {
      applied: this.applier.applied.index,
      neededFrom: this.office?.replicator.neededFrom(),
    });
  }

  /** Load orders share one numbering: whoever asked takes the answer. */
  #onLoaded(id: number, entries: readonly Entry[]): void {
    if (this.#pullDesk.onLoaded(id, entries) || this.#install.onLoaded(id, entries)) return;
    if (this.office?.replicator.onLoaded(id, entries) === true) return;
    if (!this.repair.onLoaded(id, entries)) this.applier.onLoaded(id, entries);
  }

  #order(order: Extract<Input, { kind: 'order' }>['order']): void {
    if (order.kind === 'switchover') {
      if (this.office !== undefined) this.office.switchover.order(order.id, order.target);
      else
        this.context.emit({
          kind: 'orderDone',
          id: order.id,
          error: wireError('HOLDFAST_NOT_PRIMARY', 'this node is not primary'),
        });
      return;
    }
    this.#diskFull = order.full;
    this.office?.setDiskFull(order.full);
    this.#checkOffice();
  }

  #canStand(): boolean {
    const { genesis, exclusion, log, persists } = this.context;
    const stalled =
      persists.oldestIssuedAt !== undefined &&
      this.context.now - persists.oldestIssuedAt > this.context.config.timing.persistStallMaxMs;
    return (
      genesis !== undefined &&
      exclusion === undefined &&
      log.warm &&
      this.serving &&
      !stalled &&
      !this.#diskFull &&
      !this.#install.busy
    );
  }

  /** Whatever the input made possible, in an order that lets one thing follow from the other. */
  #carryOn(): void {
    this.office?.pump();
    if (!this.repair.active) this.applier.pump();
    this.reads.pump();
  }
}
