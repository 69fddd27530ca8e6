import type { NodeId, ReadReply, Revision, ServerMessage, WireError } from '@holdfast/types';
import { assertNever, HoldfastError } from '@holdfast/types';
import type {
  AnyBoundCall,
  LinkId,
  RoutableCall,
  ScanCall,
  SnapshotHome,
  StaleRead,
  WatchCall,
  WatchHome,
  WatchSink,
} from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { type DeskOptions, SMALL_BYTES } from './desk-options.ts';
import { answeredError } from './failures.ts';
import type { FrameWriter } from './frame-writer.ts';
import { HedgeDesk } from './hedge-desk.ts';
import type { LinkTable } from './link-table.ts';
import { ReadLane } from './read-lane.ts';
import { isForPrimary } from './read-routes.ts';
import { pauseMs } from './rest.ts';
import type { SessionToken } from './session-token.ts';
import { ShadowWatches } from './shadow-watches.ts';
import { isAnswerTo } from './validity.ts';
import { isFailureOfNode, isNotHere, isOut, judgeRead } from './verdicts.ts';
import { WatchTable } from './watch-table.ts';
import { remainingMs } from './write-lane.ts';

export interface ReadDeskOptions extends DeskOptions {
  readonly onDiverged: (loss: { lost: Revision; surviving: Revision }) => void;
  readonly onDegraded: (call: RoutableCall, detail: StaleRead) => void;
}

/** All that a client reads: where it is asked, and what an answer, a refusal or a lost link means for it. */
export class ReadDesk {
  readonly #options: ReadDeskOptions;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #links: LinkTable;
  readonly #token: SessionToken;
  readonly #keys: ReadLane;
  /** Range reads and snapshots: apart from the others, that they may be stuck without holding these up. */
  readonly #openings: ReadLane;
  /** Reads that only one node can answer, to be sent with this turn. */
  #bound: AnyBoundCall[] = [];
  readonly #watches = new WatchTable();
  readonly #shadows: ShadowWatches;
  readonly #hedging: HedgeDesk;

  constructor(options: ReadDeskOptions) {
    const { ledger, frames, links, token } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#links = links;
    this.#token = token;
    const { readsInFlightMax, openingsInFlightMax } = options.limits;
    this.#hedging = new HedgeDesk(options);
    this.#shadows = new ShadowWatches(options);
    const parts = { ...options, hedges: this.#hedging.hedges };
    this.#keys = new ReadLane({ ...parts, isForKeys: true, inFlightMax: readsInFlightMax });
    this.#openings = new ReadLane({ ...parts, isForKeys: false, inFlightMax: openingsInFlightMax });
  }

  /** Writes issued after it must wait. */
  get writeBarrier(): number {
    return this.#openings.writeBarrier;
  }

  enqueue(call: RoutableCall): void {
    this.#laneOf(call).enqueue(call);
  }

  /** Only the node that holds what it reads can answer it. */
  enqueueBound(call: AnyBoundCall): void {
    this.#bound.push(call);
  }

  /** They turn to whoever is there. */
  degrade(calls: readonly RoutableCall[], now: number): void {
    for (const lane of [this.#keys, this.#openings]) {
      const own = calls.filter((call) => this.#laneOf(call) === lane);
      if (own.length > 0) lane.degrade(own, this.#links.primary, now);
    }
  }

  closeScan({ scan, link }: { scan: number; link: LinkId }): void {
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'scanClose', scan }, SMALL_BYTES);
  }

  closeSnapshot({ id, link }: SnapshotHome): void {
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'snapshotClose', snapshot: id }, SMALL_BYTES);
  }

  /** The sink is told nothing more. `home`: where the watch lives now. */
  closeWatch(sink: WatchSink, home: WatchHome | undefined): void {
    this.#shadows.over(sink);
    if (home === undefined || !this.#watches.close(home)) return;
    const { id, link } = home;
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'watchClose', watch: id }, SMALL_BYTES);
  }

  /** So many bytes of events more may come. */
  grantWatch({ id, link }: WatchHome, bytes: number): void {
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'watchCredit', watch: id, bytes }, SMALL_BYTES);
  }

  /** Events are awaited over that link, for as long as it lasts. */
  isWatching(link: LinkId): boolean {
    return this.#watches.has(link);
  }

  flush(now: number): void {
    if (this.#bound.length > 0) this.#flushBound(now);
    this.#keys.flush(this.#links, now);
    this.#openings.flush(this.#links, now);
    if (this.#hedging.hedges.isOn) this.#hedging.flush(now);
  }

  /** A read is to be asked of a second node then. */
  get hedgeDueAt(): number | undefined {
    return this.#hedging.hedges.dueAt;
  }

  get waiting(): ReadLane['waiting'] {
    return sum(this.#keys.waiting, this.#openings.waiting);
  }

  get late(): ReadLane['late'] {
    return sum(this.#keys.late, this.#openings.late);
  }

  /** There is a primary again; or any node. */
  dividePrimary(): void {
    this.#keys.dividePrimary();
    this.#openings.dividePrimary();
  }

  divideAnybody(): void {
    this.#keys.divideAnybody();
    this.#openings.divideAnybody();
  }

  tick(now: number): void {
    this.#keys.tick(now);
    this.#openings.tick(now);
  }

  retarget(links: { from: LinkId; to: LinkId }): void {
    this.#keys.retarget(links);
    this.#openings.retarget(links);
  }

  linkUp(): void {
    this.#shadows.linkUp();
  }

  /** The node was asked to watch on nobody's behalf, only to note what was there before. */
  isShadow(link: LinkId, id: number): boolean {
    return this.#shadows.has(link, id);
  }

  /** Returns how many answers are lost with it. */
  linkDown(link: LinkId): number {
    const lost: (AnyBoundCall | ScanCall)[] = [];
    this.#ledger.forEach((call) => {
      const isHeldThere = call.kind === 'bound' || (call.kind === 'scan' && call.isOpened);
      if (call.link === link && isHeldThere) lost.push(call);
    });
    for (const call of lost) this.fail(call, snapshotLost(call));
    this.#watches.linkDown(link);
    this.#shadows.linkDown(link);
    return this.#keys.linkDown(link) + this.#openings.linkDown(link) + lost.length;
  }

  /** Others can be asked: watches go on there, too. */
  linkSilent(link: LinkId): void {
    this.#keys.linkSilent(link);
    this.#openings.linkSilent(link);
    // Should the node come to life again, it is not to go on with them.
    for (const id of this.#watches.linkDown(link))
      this.#frames.add(link, { kind: 'watchClose', watch: id }, SMALL_BYTES);
  }

  /** What a node says about reads that are no reads of keys. */
  receive(
    link: LinkId,
    message: Extract<
      ServerMessage,
      { kind: 'scanPage' | 'scanOpened' | 'snapshotOpened' | 'watchOpened' | 'watchEvents' }
    >,
    now: number,
  ): void {
    switch (message.kind) {
      case 'scanPage':
        this.#onPage(link, message, now);
        return;
      case 'scanOpened':
        this.#onOpened(link, message.id, message.revision, now);
        return;
      case 'snapshotOpened':
        this.#onSnapshot(link, message, now);
        return;
      case 'watchOpened':
        this.#onWatch(link, message.id, message.revision);
        return;
      case 'watchEvents':
        this.#onEvents(link, message, now);
        return;
      default:
        assertNever(message);
    }
  }

  /** A refusal of something that is no call of this client, or none any more: a watch, if anything. */
  onWatchEnded(link: LinkId, id: number, error: WireError, now: number): void {
    this.#shadows.ended(link, id, now);
    this.#watches.onEnded(link, id, error, this.#links.nodeOf(link));
  }

  fail(call: RoutableCall | AnyBoundCall, error: HoldfastError): void {
    this.#ledger.fail(call, error);
    if (call.kind !== 'bound') this.#laneOf(call).release(call);
  }

  onReply(link: LinkId, reply: ReadReply, now: number): void {
    const call = this.#ledger.find(reply.id);
    const node = this.#links.nodeOf(link);
    // Late answers are normal: the call has ended, or has been sent elsewhere since.
    if (call === undefined || node === undefined) return;
    if (call.kind === 'read' ? !call.isAwaitedFrom(link) : call.link !== link) return;
    if (call.kind !== 'read' && (call.kind !== 'bound' || call.answeredBy !== 'readReplies')) {
      this.#options.onViolation(link, 'a read reply to something else');
    } else if ('error' in reply) {
      if (call.kind === 'read' && this.#hedging.refused(call, link, reply.error)) return;
      this.onRefused(link, call, reply.error, now);
    } else if (!isAnswerTo(call, reply.answer)) {
      this.#options.onViolation(link, 'an answer that does not fit the read');
    } else if (call.kind !== 'read' || this.#isEnough(call, reply.answer.revision, now)) {
      this.#token.raise(reply.answer.revision, call.kind === 'read' && call.consistency === 'session');
      if (call.kind === 'read') this.#hedging.answered(call, link, now);
      else this.#options.resilience.budget.succeeded(call.isCharged);
      const isDegraded = call.kind === 'read' && call.isDegraded;
      if (isDegraded) this.#tellAge(call, reply.answer.stalenessMs, node);
      this.#ledger.succeed(call, { answer: reply.answer, node, isDegraded });
      if (call.kind === 'read') this.#keys.release(call);
    }
  }

  #onPage(link: LinkId, message: Extract<ServerMessage, { kind: 'scanPage' }>, now: number): void {
    const call = this.#ledger.find(message.id);
    const node = this.#links.nodeOf(link);
    if (call === undefined || call.link !== link || node === undefined) {
      // Nobody waits for this page any more: without this the snapshot would stay open until it idles out.
      this.closeScan({ scan: message.id, link });
      return;
    }
    const isPage = call.kind === 'scan' || (call.kind === 'bound' && call.answeredBy === 'scanPage');
    if (!isPage || message.records.length % 2 !== 0) {
      this.#options.onViolation(link, 'a page that does not fit the request');
      return;
    }
    if (call.kind === 'scan' && !call.isOpened && !this.#isEnough(call, message.revision, now)) {
      this.closeScan({ scan: message.id, link });
      return;
    }
    this.#token.raise(message.revision);
    if (call.kind === 'scan' && call.isDegraded) this.#tellAge(call, message.stalenessMs, node);
    this.#ledger.succeed(call, { message, link, node });
    if (call.kind === 'scan') this.#opened(call);
  }

  /** The state of a range read is held, though its first page takes a while: writes need not wait for that. */
  #onOpened(link: LinkId, id: number, revision: Revision, now: number): void {
    const call = this.#ledger.find(id);
    if (call === undefined || call.link !== link) {
      this.closeScan({ scan: id, link });
    } else if (call.kind === 'scan' && !call.isOpened) {
      if (this.#isEnough(call, revision, now)) this.#openings.opened(call);
      else this.closeScan({ scan: id, link });
    } else if (call.kind !== 'scan' && (call.kind !== 'bound' || call.answeredBy !== 'scanPage')) {
      this.#options.onViolation(link, 'an opening that nobody asked for');
    }
  }

  #onSnapshot(
    link: LinkId,
    { id, revision, stalenessMs }: Extract<ServerMessage, { kind: 'snapshotOpened' }>,
    now: number,
  ): void {
    const call = this.#ledger.find(id);
    const node = this.#links.nodeOf(link);
    if (call === undefined || call.link !== link || node === undefined) {
      this.closeSnapshot({ id, link });
    } else if (call.kind !== 'snapshot') {
      this.#options.onViolation(link, 'a snapshot that nobody asked for');
    } else if (!this.#isEnough(call, revision, now)) {
      this.closeSnapshot({ id, link });
    } else {
      this.#token.raise(revision);
      if (call.isDegraded) this.#tellAge(call, stalenessMs, node);
      this.#ledger.succeed(call, { id, link });
      this.#opened(call);
    }
  }

  #onWatch(link: LinkId, id: number, revision: Revision): void {
    const call = this.#ledger.find(id);
    if (call === undefined || call.link !== link) {
      if (!this.isShadow(link, id)) this.#frames.add(link, { kind: 'watchClose', watch: id }, SMALL_BYTES);
    } else if (call.kind !== 'watch') {
      this.#options.onViolation(link, 'a watch that nobody asked for');
    } else {
      this.#watches.opened({ id, link }, call.sink);
      this.#shadows.opened(call, link);
      call.sink.onOpened({ id, link }, revision);
      this.#ledger.succeed(call, { id, link });
      this.#opened(call);
    }
  }

  /** The opening has settled well. */
  #opened(call: RoutableCall): void {
    this.#options.resilience.budget.succeeded(call.isCharged, call.passedOn);
    this.#openings.release(call);
  }

  /** What was committed may be relied on in later reads of this client. */
  #onEvents(link: LinkId, message: Extract<ServerMessage, { kind: 'watchEvents' }>, now: number): void {
    const sink = this.#watches.onEvents(link, message);
    if (sink === undefined) return;
    this.#token.raise(message.revision);
    this.#shadows.told(sink, now);
  }

  onRefused(link: LinkId, call: RoutableCall | AnyBoundCall, error: WireError, now: number): void {
    if (call.kind === 'bound' || (call.kind === 'scan' && call.isOpened)) {
      this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
      return;
    }
    // Too many range reads say nothing about a node's reads and writes.
    if (call.kind === 'read' && isFailureOfNode(error)) this.#links.breakerOf(link)?.refused();
    if (call.kind === 'watch' && error.code === 'HOLDFAST_REVISION_COMPACTED') {
      this.#onCompacted(link, call, error, now);
      return;
    }
    if (isOut(error)) this.#links.setOut(link);
    // Whoever is asked next is not one that is too old; and of one that has turned to others, none that has refused it.
    const isPassedOver = call.isDegraded || error.code === 'HOLDFAST_TOO_STALE';
    if (isPassedOver) call.refusedBy = new Set(call.refusedBy).add(link);
    // Otherwise two standbys that cannot answer would be asked in turns, and never the primary, which can.
    else if (isNotHere(error)) call.declinedBy = new Set(call.declinedBy).add(link);
    const hasOther = this.#links.hasOtherFor(call);
    if (!hasOther) call.declinedBy = undefined;
    const othersLeft = hasOther && (isPassedOver || this.#othersLeft(call));
    const verdict = this.#isInTheWay(call, error) ? 'final' : judgeRead(error, { othersLeft });
    switch (verdict) {
      case 'diverged':
        if (call.kind === 'watch') this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
        else this.#onDiverged(link, call, error);
        return;
      case 'elsewhere':
        call.refusal = error;
        if (call.isCharged) call.passedOn += 1;
        this.#laneOf(call).retry(call, { avoid: link, retryAt: 0 });
        return;
      case 'later':
        call.refusal = error;
        if (call.kind !== 'watch') call.refusedBy = undefined;
        this.#laneOf(call).retry(call, { avoid: link, retryAt: now + this.#pauseMs(call, error) });
        return;
      case 'final':
        this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
        return;
      default:
        assertNever(verdict);
    }
  }

  #laneOf(call: RoutableCall): ReadLane {
    return call.kind === 'read' ? this.#keys : this.#openings;
  }

  #flushBound(now: number): void {
    const bound = this.#bound;
    this.#bound = [];
    for (const call of bound) {
      if (call.settled) continue;
      if (!this.#links.has(call.home)) {
        this.fail(call, snapshotLost(call));
        continue;
      }
      call.link = call.home;
      call.attempts = 1;
      call.sentAt = now;
      call.remainingMs = remainingMs(call.deadline, now, this.#options.limits.answerMarginMs);
      this.#frames.addRequest(call.home, call, call.request, SMALL_BYTES + call.bytes);
    }
  }

  /** A range read that a node has no room for is not asked again while writes wait for it to begin. */
  #isInTheWay(call: RoutableCall, error: WireError): boolean {
    return (
      call.kind !== 'read' && error.code === 'HOLDFAST_OVERLOADED' && this.#ledger.newestWrite > call.order
    );
  }

  /** Each node keeps its own stretch of the log: all are asked before the one that goes back farthest has its word. */
  #onCompacted(link: LinkId, call: WatchCall, error: WireError, now: number): void {
    call.refusedBy.add(link);
    const { compacted } = call;
    const isFarther = compacted === undefined || (error.detail ?? 0) <= (compacted.detail ?? 0);
    const farthest = isFarther ? error : compacted;
    call.compacted = farthest;
    call.refusal = farthest;
    // What those keep that cannot answer now they have not said.
    call.declinedBy = undefined;
    if (!this.#links.isAnyLeftFor(call)) {
      this.fail(call, answeredError(call, farthest, this.#links.nodeOf(link)));
      return;
    }
    // Those left may be silent, or left out: who has said so already would be asked again, at once.
    const retryAt = this.#links.hasOtherFor(call) ? 0 : now + this.#pauseMs(call, error);
    this.#openings.retry(call, { avoid: link, retryAt });
  }

  /** Whether some node has not been asked yet that could answer. */
  #othersLeft(call: RoutableCall): boolean {
    return !isForPrimary(call) && call.attempts < this.#links.size;
  }

  /** Never silently. */
  #tellAge(call: RoutableCall, stalenessMs: number, servedBy: NodeId): void {
    this.#options.resilience.tally.staleReads += 1;
    const staleness = stalenessMs < 0 ? undefined : stalenessMs;
    this.#options.onDegraded(call, { kind: 'stale-read', staleness, servedBy });
  }

  /**
   * Whether the answer is good for the call. One that asked with an older token, to learn that one's fate, is asked again
   * with all it needs: a node holds what it was asked for, and names a revision that the state it read may not have
   * reached yet, that of the batch it is writing.
   */
  #isEnough(call: RoutableCall, revision: Revision, now: number): boolean {
    if (call.token === call.needed) return true;
    if (revision >= call.needed) {
      call.provenTo = call.token;
      this.#token.survived(call.token);
      this.#laneOf(call).askOn(call, { retryAt: 0 });
    } else {
      this.#laneOf(call).askOn(call, { retryAt: now + this.#options.limits.resilience.retry.backoffMsMin });
    }
    return false;
  }

  #onDiverged(link: LinkId, call: RoutableCall, error: WireError): void {
    const surviving = (error.detail ?? 0) as Revision;
    const isAfterLost = call.after > surviving && call.after <= call.token;
    const lost = this.#token.diverged(call.tokenEpoch, call.token, surviving);
    const isNews = lost !== undefined && lost > surviving;
    if (isNews) this.#options.onDiverged({ lost, surviving });
    if (isNews || isAfterLost) this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
    // It carried a token that another call has meanwhile learned to be lost.
    else this.#laneOf(call).askOn(call, { retryAt: 0 });
  }

  #pauseMs(call: RoutableCall, error: WireError): number {
    const { backoffMsMin, backoffMsMax } = this.#options.limits.resilience.retry;
    const boundMs = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(call.attempts - 1, 16));
    return pauseMs({ boundMs, retryAfterMs: error.retryAfterMs, random: this.#options.random() });
  }
}

type Counts = ReadLane['waiting'];

function sum(one: Counts, other: Counts): Counts {
  return {
    forPrimary: one.forPrimary + other.forPrimary,
    forAnybody: one.forAnybody + other.forAnybody,
  };
}

function snapshotLost(call: AnyBoundCall | ScanCall): HoldfastError {
  return new HoldfastError('HOLDFAST_SNAPSHOT_LOST', 'the node that held the snapshot of this read is gone', {
    attempts: call.attempts,
  });
}
