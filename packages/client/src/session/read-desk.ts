import type { ReadReply, Revision, ServerMessage, WireError } from '@holdfast/types';
import { assertNever, HoldfastError } from '@holdfast/types';
import type { Resilience } from '../resilience/resilience.ts';
import type { AnyBoundCall, LinkId, RoutableCall, SnapshotHome } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import type { ClientLimits } from './client-limits.ts';
import { answeredError } from './failures.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable } from './link-table.ts';
import { ReadLane } from './read-lane.ts';
import { isForPrimary } from './read-routes.ts';
import { pauseMs } from './rest.ts';
import type { SessionToken } from './session-token.ts';
import { isAnswerTo } from './validity.ts';
import { isFailureOfNode, judgeRead } from './verdicts.ts';

/** Room that a request without keys and values takes in a frame. */
const SMALL_BYTES = 64;

export interface ReadDeskOptions {
  readonly limits: ClientLimits;
  /** In [0, 1). */
  readonly random: () => number;
  readonly ledger: CallLedger;
  readonly frames: FrameWriter;
  readonly links: LinkTable;
  readonly token: SessionToken;
  readonly resilience: Resilience;
  readonly onViolation: (link: LinkId, reason: string) => void;
  readonly onDiverged: (loss: { lost: Revision; surviving: Revision }) => void;
}

/** All that a client reads: where it is asked, and what an answer, a refusal or a lost link means for it. */
export class ReadDesk {
  readonly #options: ReadDeskOptions;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #links: LinkTable;
  readonly #token: SessionToken;
  readonly #lane: ReadLane;

  constructor(options: ReadDeskOptions) {
    const { ledger, frames, links, token } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#links = links;
    this.#token = token;
    this.#lane = new ReadLane(options);
  }

  /** Writes issued after it must wait. */
  get writeBarrier(): number {
    return this.#lane.writeBarrier;
  }

  enqueue(call: RoutableCall): void {
    this.#lane.enqueue(call);
  }

  /** Only the node that holds what it reads can answer it. */
  send(call: AnyBoundCall): void {
    if (!this.#links.has(call.home)) {
      this.fail(call, snapshotLost(call));
      return;
    }
    call.link = call.home;
    call.attempts = 1;
    this.#frames.add(call.home, call.request, SMALL_BYTES + call.bytes);
  }

  closeScan({ scan, link }: { scan: number; link: LinkId }): void {
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'scanClose', scan }, SMALL_BYTES);
  }

  closeSnapshot({ id, link }: SnapshotHome): void {
    if (this.#links.has(link)) this.#frames.add(link, { kind: 'snapshotClose', snapshot: id }, SMALL_BYTES);
  }

  flush(now: number): void {
    this.#lane.flush(this.#links, now);
  }

  get waiting(): ReadLane['waiting'] {
    return this.#lane.waiting;
  }

  get late(): ReadLane['late'] {
    return this.#lane.late;
  }

  /** There is a primary again; or any node. */
  dividePrimary(): void {
    this.#lane.dividePrimary();
  }

  divideAnybody(): void {
    this.#lane.divideAnybody();
  }

  tick(now: number): void {
    this.#lane.tick(now);
  }

  retarget(links: { from: LinkId; to: LinkId }): void {
    this.#lane.retarget(links);
  }

  /** Returns how many answers are lost with it. */
  linkDown(link: LinkId): number {
    const reads = this.#lane.linkDown(link);
    const lost: AnyBoundCall[] = [];
    this.#ledger.forEach((call) => {
      if (call.kind === 'bound' && call.link === link) lost.push(call);
    });
    for (const call of lost) this.fail(call, snapshotLost(call));
    return reads + lost.length;
  }

  linkSilent(link: LinkId): void {
    this.#lane.linkSilent(link);
  }

  fail(call: RoutableCall | AnyBoundCall, error: HoldfastError): void {
    this.#ledger.fail(call, error);
    if (call.kind !== 'bound') this.#lane.release(call);
  }

  onReply(link: LinkId, reply: ReadReply, now: number): void {
    const call = this.#ledger.find(reply.id);
    const node = this.#links.nodeOf(link);
    // Late answers are normal: the call has ended, or has been sent elsewhere since.
    if (call === undefined || call.link !== link || node === undefined) return;
    if (call.kind !== 'read' && (call.kind !== 'bound' || call.answeredBy !== 'readReplies')) {
      this.#options.onViolation(link, 'a read reply to something else');
    } else if ('error' in reply) {
      this.onRefused(link, call, reply.error, now);
    } else if (!isAnswerTo(call, reply.answer)) {
      this.#options.onViolation(link, 'an answer that does not fit the read');
    } else if (call.kind !== 'read' || this.#isEnough(call, reply.answer.revision, now)) {
      this.#token.raise(reply.answer.revision);
      this.#options.resilience.budget.succeeded(call.isCharged);
      this.#ledger.succeed(call, { answer: reply.answer, node });
      if (call.kind === 'read') this.#lane.release(call);
    }
  }

  onPage(link: LinkId, message: Extract<ServerMessage, { kind: 'scanPage' }>, now: number): void {
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
    if (call.kind === 'scan' && !this.#isEnough(call, message.revision, now)) {
      this.closeScan({ scan: message.id, link });
      return;
    }
    this.#token.raise(message.revision);
    this.#ledger.succeed(call, { message, link, node });
    if (call.kind === 'scan') this.#lane.release(call);
  }

  onSnapshot(link: LinkId, id: number, revision: Revision, now: number): void {
    const call = this.#ledger.find(id);
    if (call === undefined || call.link !== link) {
      this.closeSnapshot({ id, link });
    } else if (call.kind !== 'snapshot') {
      this.#options.onViolation(link, 'a snapshot that nobody asked for');
    } else if (!this.#isEnough(call, revision, now)) {
      this.closeSnapshot({ id, link });
    } else {
      this.#token.raise(revision);
      this.#ledger.succeed(call, { id, link });
      this.#lane.release(call);
    }
  }

  onRefused(link: LinkId, call: RoutableCall | AnyBoundCall, error: WireError, now: number): void {
    if (call.kind === 'bound') {
      this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
      return;
    }
    if (isFailureOfNode(error)) this.#links.breakerOf(link)?.refused();
    const verdict = judgeRead(error, { othersLeft: this.#othersLeft(call) });
    switch (verdict) {
      case 'diverged':
        this.#onDiverged(link, call, error);
        return;
      case 'elsewhere':
        call.refusal = error;
        this.#lane.retry(call, { avoid: link, retryAt: 0 });
        return;
      case 'later':
        call.refusal = error;
        this.#lane.retry(call, { avoid: link, retryAt: now + this.#pauseMs(call, error) });
        return;
      case 'final':
        this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
        return;
      default:
        assertNever(verdict);
    }
  }

  /** Whether some node has not been asked yet that could answer. */
  #othersLeft(call: RoutableCall): boolean {
    return !isForPrimary(call) && call.attempts < this.#links.size;
  }

  /**
   * Whether the answer is good for the call. One that asked with an older token, to learn that one's fate, is asked again
   * with all it needs: a node holds what it was asked for, and names a revision that the state it read may not have
   * reached yet, that of the batch it is writing.
   */
  #isEnough(call: RoutableCall, revision: Revision, now: number): boolean {
    if (call.token === call.needed) return true;
    if (revision >= call.needed) {
      this.#token.survived(call.token);
      this.#lane.askOn(call, { retryAt: 0 });
    } else {
      this.#lane.askOn(call, { retryAt: now + this.#options.limits.resilience.retry.backoffMsMin });
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
    else this.#lane.askOn(call, { retryAt: 0 });
  }

  #pauseMs(call: RoutableCall, error: WireError): number {
    const { backoffMsMin, backoffMsMax } = this.#options.limits.resilience.retry;
    const boundMs = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(call.attempts - 1, 16));
    return pauseMs({ boundMs, retryAfterMs: error.retryAfterMs, random: this.#options.random() });
  }
}

function snapshotLost(call: AnyBoundCall): HoldfastError {
  return new HoldfastError('HOLDFAST_SNAPSHOT_LOST', 'the node that held the snapshot of this read is gone', {
    attempts: call.attempts,
  });
}
