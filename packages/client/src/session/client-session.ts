import type {
  Ack,
  HoldfastError,
  NodeId,
  Revision,
  ServerMessage,
  Topology,
  WireError,
} from '@holdfast/types';
import { assertNever } from '@holdfast/types';
import { Resilience } from '../resilience/resilience.ts';
import { type AnyCall, type CallOwner, type LinkId, NO_LINK, type SnapshotHome } from './call.ts';
import { CallLedger } from './call-ledger.ts';
import type { ClientHealth } from './client-health.ts';
import type { ClientLimits } from './client-limits.ts';
import { Degrader } from './degrader.ts';
import { EarlyCalls } from './early-calls.ts';
import type { SessionEffect } from './effects.ts';
import { abortedError, deadlineError, noPrimaryError } from './failures.ts';
import { FrameWriter } from './frame-writer.ts';
import { LinkTable } from './link-table.ts';
import { LossProbe } from './loss-probe.ts';
import { ReadDesk } from './read-desk.ts';
import { Releases } from './releases.ts';
import { SessionToken } from './session-token.ts';
import { type Answer, answersIn, isFailureOfNode } from './verdicts.ts';
import { WriteDesk } from './write-desk.ts';

/** A node that has not answered after so long could have. */
const TELLING_MS = 50;

/**
 * The decisions of a client, without I/O: which call goes where, what an answer or a lost link means for it, and
 * how each ends. Inputs are method calls that carry the time; what is to be done is handed out by `takeEffects`.
 */
export class ClientSession {
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #resilience: Resilience;
  readonly #links: LinkTable;
  readonly #token = new SessionToken();
  readonly #early = new EarlyCalls();
  readonly #writes: WriteDesk;
  readonly #reads: ReadDesk;
  readonly #releases: Releases;
  readonly #degrader: Degrader;
  readonly #lossProbe: LossProbe;
  /** Up to here the program has been told what it lost. */
  #toldLost = 0 as Revision;
  #effects: SessionEffect[] = [];
  /** When the last link was lost. */
  #disconnectedAt: number | undefined;
  /** Why the last attempt to reach a node came to nothing. */
  #failure: HoldfastError | undefined;

  /** `random`: in [0, 1). */
  constructor(options: { limits: ClientLimits; random: () => number; now: number }) {
    const { limits, random, now } = options;
    const resilience = new Resilience({ limits: limits.resilience, random, now });
    this.#resilience = resilience;
    this.#links = new LinkTable(resilience.breakers);
    this.#ledger = new CallLedger({ limits, tally: resilience.tally, now });
    this.#frames = new FrameWriter(limits);
    const parts = {
      limits,
      random,
      ledger: this.#ledger,
      frames: this.#frames,
      links: this.#links,
      token: this.#token,
      resilience,
      onViolation: (link: LinkId, reason: string): void => this.#violation(link, reason),
    };
    this.#writes = new WriteDesk(parts);
    this.#reads = new ReadDesk({
      ...parts,
      onDiverged: (loss) => this.#tellLoss(loss),
      onDegraded: (call, detail) => this.#effects.push({ kind: 'degraded', call, detail }),
    });
    const { locals } = this.#writes;
    this.#lossProbe = new LossProbe({ ...parts, locals, onLost: (loss) => this.#tellLoss(loss) });
    this.#degrader = new Degrader(limits.resilience.degradation, random);
    const writes = this.#writes.lanes;
    this.#releases = new Releases({ resilience, links: this.#links, writes, reads: this.#reads }, now);
  }

  get token(): Revision {
    return this.#token.revision;
  }

  get topology(): Topology {
    return this.#links.topology;
  }

  /** Where the node behind a link is reached. */
  urlOf(link: LinkId): string | undefined {
    const node = this.#links.nodeOf(link);
    return this.topology.nodes.find(({ id }) => id === node)?.url;
  }

  /** Some node can be asked. */
  get isLinked(): boolean {
    return this.#links.size > 0;
  }

  /** An answer is awaited over that link. */
  isAwaiting(link: LinkId): boolean {
    return (
      this.#links.breakerOf(link)?.awaitedSince !== undefined ||
      this.#ledger.some((call) => call.link === link)
    );
  }

  health(): ClientHealth {
    const { forPrimary, forAnybody } = this.#reads.waiting;
    return {
      ...this.#links.health,
      pending: this.pending,
      lanes: structuredClone(this.#ledger.lanes),
      waiting: this.#early.size + this.#writes.waiting + forPrimary + forAnybody,
      retryBudget: this.#resilience.budget.tokens,
      counters: { ...this.#resilience.tally },
    };
  }

  /** Calls not settled. */
  get pending(): { readonly calls: number; readonly bytes: number } {
    return { calls: this.#ledger.size, bytes: this.#ledger.bytes };
  }

  submit(call: AnyCall): void {
    if (!this.#ledger.admit(call)) return;
    this.#degrader.admit(call);
    if (!this.#early.keeps(call)) this.#enqueue(call);
  }

  /** The caller has lost interest. Does nothing for a settled call. */
  abort(call: AnyCall, cause: unknown): void {
    if (!call.settled) this.#fail(call, abortedError(call, cause));
  }

  /** What the application took of a watch, or that it wants no more of it. */
  get watches(): Pick<ReadDesk, 'closeWatch' | 'grantWatch' | 'isWatching'> {
    return this.#reads;
  }

  /** The program helped itself where this client could not. */
  fellBack(): void {
    this.#resilience.tally.fallbacks += 1;
  }

  /** The snapshot behind a scan is not needed any more. */
  closeScan(scan: { scan: number; link: LinkId }): void {
    this.#reads.closeScan(scan);
  }

  /** The snapshot is not needed any more; scans on it go on. */
  closeSnapshot(home: SnapshotHome): void {
    this.#reads.closeSnapshot(home);
  }

  /** A node has welcomed this client over a new link. */
  linkUp(
    link: LinkId,
    welcome: { node: NodeId; topology: Topology; roundTripMs: number; defaultAck: Ack },
    now: number,
  ): void {
    const before = this.#links.topology;
    this.#links.add(link, welcome);
    this.#reads.linkUp();
    // What they were left with for want of another is asked of this one.
    for (const silent of this.#links.silent) this.#reads.linkSilent(silent);
    for (const call of this.#early.end(welcome.defaultAck)) this.#enqueue(call);
    if (this.#disconnectedAt !== undefined) {
      const detail = { node: welcome.node, afterMs: now - this.#disconnectedAt };
      this.#effects.push({ kind: 'news', news: { event: 'reconnected', detail } });
      this.#disconnectedAt = undefined;
    }
    this.#afterTopology(before, now);
  }

  /** It may never have been up. `error`: why. */
  linkDown(link: LinkId, now: number, error?: HoldfastError): void {
    this.#failure = error;
    const breaker = this.#links.breakerOf(link);
    if (!this.#links.remove(link)) return;
    const lost = this.#writes.linkDown(link) + this.#reads.linkDown(link);
    this.#lossProbe.linkLost(link);
    if (lost > 0) breaker?.missed(lost, now);
    if (this.#links.size === 0) {
      this.#disconnectedAt = now;
      this.#effects.push({ kind: 'news', news: { event: 'disconnected', detail: {} } });
    }
    this.#afterTopology(this.#links.topology, now);
  }

  /** The node has not been heard for a while although it should have been; or is heard again. False: no news. */
  linkSilent(link: LinkId, silent: boolean, now: number): boolean {
    if (!this.#links.setSilent(link, silent, now)) return false;
    if (silent && this.#links.size > 1) this.#reads.linkSilent(link);
    return true;
  }

  receive(link: LinkId, message: ServerMessage, now: number): void {
    if (!this.#links.has(link)) return;
    this.#answered(link, answersIn(message), now);
    switch (message.kind) {
      case 'writeReplies':
        for (const reply of message.replies) this.#writes.onReply(link, reply, now);
        return;
      case 'readReplies':
        for (const reply of message.replies)
          if (!this.#lossProbe.onReply(link, reply, now)) this.#reads.onReply(link, reply, now);
        return;
      case 'scanPage':
      case 'scanOpened':
      case 'snapshotOpened':
      case 'watchOpened':
      case 'watchEvents':
        this.#reads.receive(link, message, now);
        return;
      case 'topology': {
        const before = this.#links.topology;
        this.#links.learn(link, message.topology);
        this.#afterTopology(before, now);
        return;
      }
      case 'sessionOpened':
        this.#writes.sessionOpened(message.id, link, message.session);
        return;
      case 'failed':
        this.#onFailed(link, message.id, message.error, now);
        return;
      case 'sessionClosed':
      case 'pong':
        return;
      case 'welcome':
        this.#violation(link, 'a second welcome');
        return;
      default:
        assertNever(message);
    }
  }

  /** Puts whatever may go now into frames: once per turn, after everything issued in it. */
  flush(now: number): void {
    if (this.#early.size > 0) this.#releases.awaitFirst(now);
    this.#releases.review(now);
    this.#writes.flush(now, this.#reads.writeBarrier);
    this.#reads.flush(now);
    this.#lossProbe.flush(now);
    if (this.#degrader.size > 0) this.#offerAlternatives(now);
    for (const frame of this.#frames.take()) this.#effects.push({ kind: 'send', ...frame });
    for (const { call, repeat, link } of this.#frames.takeResent())
      this.#effects.push({ kind: 'resent', call, repeat, node: this.#links.nodeOf(link) });
  }

  /** Every `tickMs` while calls are pending. */
  tick(now: number): void {
    const { target } = this.#links;
    const primaryKnown = target !== undefined && !target.breaker.holdsBack;
    for (const call of this.#ledger.expire(now)) {
      if (call.link !== NO_LINK) this.#timedOut(call, now);
      this.#fail(call, deadlineError(call, { primaryKnown, failure: this.#unreached }));
    }
    this.#resilience.tick(now);
    this.#reads.tick(now);
    this.#writes.tick(now);
    this.#releases.tick();
  }

  /** Something may be done then that is not done at each `tickMs`; undefined if nothing is. */
  dueAt(now: number): number | undefined {
    const never = Number.POSITIVE_INFINITY;
    const dueAt = Math.min(
      this.#releases.dueAt(now) ?? never,
      this.#reads.hedgeDueAt ?? never,
      this.#lossProbe.dueAt ?? never,
    );
    return dueAt === never ? undefined : dueAt;
  }

  /** Ends the calls of one owner. */
  endCalls(owner: CallOwner): void {
    this.#endWhere((call) => call.owner === owner);
    this.#writes.locals.forget(owner);
  }

  /** The client closes: every call ends now, and the cluster may forget the sessions. */
  end(): void {
    this.#endWhere(() => true);
    this.#writes.closeSessions();
    for (const frame of this.#frames.take()) this.#effects.push({ kind: 'send', ...frame });
  }

  takeEffects(): SessionEffect[] {
    for (const call of this.#ledger.takeSettled()) this.#effects.push({ kind: 'settled', call });
    for (const detail of this.#resilience.breakers.takeChanges()) {
      if (detail.state === 'open') this.#resilience.tally.breakerOpenings += 1;
      this.#effects.push({ kind: 'news', news: { event: 'breaker', detail } });
    }
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** To those who would rather have less, or nothing, than wait for a primary that is not there. */
  #offerAlternatives(now: number): void {
    const { degrade, fail } = this.#degrader.due(this.#releases.outage(now), now);
    this.#resilience.tally.failedFast += fail.length;
    for (const call of fail) this.#fail(call, noPrimaryError(call, this.#unreached));
    if (degrade.length === 0) return;
    this.#reads.degrade(degrade, now);
    this.#reads.flush(now);
  }

  /** Why no node is in reach; undefined: one is. */
  get #unreached(): HoldfastError | undefined {
    return this.#links.size === 0 ? this.#failure : undefined;
  }

  #enqueue(call: AnyCall): void {
    switch (call.kind) {
      case 'write':
        this.#writes.enqueue(call);
        break;
      case 'read':
      case 'scan':
      case 'snapshot':
      case 'watch':
        this.#reads.enqueue(call);
        break;
      case 'bound':
        this.#reads.enqueueBound(call);
        break;
      default:
        assertNever(call);
    }
  }

  #endWhere(where: (call: AnyCall) => boolean): void {
    for (const call of this.#ledger.filter(where)) this.#fail(call, abortedError(call, undefined));
  }

  #afterTopology(known: Topology, now: number): void {
    const { topology } = this.#links;
    if (topology !== known) {
      this.#effects.push({ kind: 'topology', topology });
      const { term, primary } = topology;
      if (term !== known.term || primary !== known.primary) {
        const detail = primary === undefined ? { term } : { term, primary };
        this.#effects.push({ kind: 'news', news: { event: 'primary', detail } });
      }
    }
    const before = this.#links.target;
    const target = this.#links.retarget(now);
    // Without a moment in which there was no primary: the time in which the old one did not answer counts.
    if (target !== undefined && before !== undefined)
      this.#releases.lostPrimary(before.breaker.awaitedSince ?? now, now);
    if (target !== undefined) {
      this.#writes.retarget(target.link);
      this.#reads.retarget({ from: before?.link ?? NO_LINK, to: target.link });
      this.#lossProbe.retarget(target.term, now);
    }
    this.#releases.review(now);
  }

  /** A whole frame of answers is timed by its first. */
  #answered(link: LinkId, replies: readonly Answer[], now: number): void {
    const [first] = replies;
    const breaker = this.#links.breakerOf(link);
    if (first === undefined || breaker === undefined) return;
    const call = this.#ledger.find(first.id);
    // How a range read or a watch fares says more about the range; that there is an answer is all that counts.
    const isUnasked = this.#reads.isShadow(link, first.id) || this.#lossProbe.has(link, first.id);
    if ((call !== undefined && !isJudged(call)) || isUnasked) {
      breaker.answered(0, { latencyMs: 0, served: true }, now);
      return;
    }
    // How long `all` takes says more about the other nodes.
    const isTelling =
      call !== undefined && call.link === link && !(call.kind === 'write' && call.ack === 'all');
    const isOfHedge = call?.kind === 'read' && call.hedgeLink === link;
    const latencyMs = isTelling ? now - call.sentAt : isOfHedge ? now - call.hedgedAt : 0;
    const served = first.error === undefined || !isFailureOfNode(first.error);
    breaker.answered(replies.length, { latencyMs, served }, now);
  }

  /** The node had the call for as long as it takes to tell that it should have answered. */
  #timedOut(call: AnyCall, now: number): void {
    if (isJudged(call) && now - call.sentAt >= TELLING_MS) this.#links.breakerOf(call.link)?.missed(1, now);
  }

  #onFailed(link: LinkId, id: number, error: WireError, now: number): void {
    if (this.#writes.sessionRefused(id, link, error, now)) return;
    const call = this.#ledger.find(id);
    if (call === undefined || call.link !== link) {
      this.#reads.onWatchEnded(link, id, error, now);
      return;
    }
    switch (call.kind) {
      case 'write':
        this.#writes.onRefused(link, call, error, now);
        return;
      case 'read':
      case 'scan':
      case 'snapshot':
      case 'watch':
      case 'bound':
        this.#reads.onRefused(link, call, error, now);
        return;
      default:
        assertNever(call);
    }
  }

  #fail(call: AnyCall, error: HoldfastError): void {
    if (this.#early.forget(call)) {
      this.#ledger.fail(call, error);
      return;
    }
    switch (call.kind) {
      case 'write':
        this.#writes.fail(call, error);
        return;
      case 'read':
      case 'scan':
      case 'snapshot':
      case 'watch':
      case 'bound':
        this.#reads.fail(call, error);
        return;
      default:
        assertNever(call);
    }
  }

  /** Once, whether it was asked for or met with a read. */
  #tellLoss(loss: { lost: Revision; surviving: Revision }): void {
    const locals = this.#writes.locals.takeLost(loss);
    if (locals.length === 0 && loss.lost <= this.#toldLost) return;
    this.#toldLost = Math.max(this.#toldLost, loss.lost) as Revision;
    this.#effects.push({ kind: 'diverged', ...loss, locals });
  }

  #violation(link: LinkId, reason: string): void {
    this.#effects.push({ kind: 'violation', link, reason });
  }
}

/** What becomes of it says something about the node that is asked. */
function isJudged({ lane }: AnyCall): boolean {
  return lane === 'writes' || lane === 'reads';
}
