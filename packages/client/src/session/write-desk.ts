import type { Revision, SessionId, WireError, WriteReceipt, WriteReply } from '@holdfast/types';
import { assertNever, HoldfastError } from '@holdfast/types';
import { type LinkId, NO_LINK, type WriteCall } from './call.ts';
import type { CallLedger } from './call-ledger.ts';
import { type DeskOptions, SMALL_BYTES } from './desk-options.ts';
import { answeredError } from './failures.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkTable, Target } from './link-table.ts';
import { LocalReceipts } from './local-receipts.ts';
import { Rest } from './rest.ts';
import { isReceiptFor } from './validity.ts';
import { isFailureOfNode, judgeWrite } from './verdicts.ts';
import { WriteLane } from './write-lane.ts';

/** All that a client writes: when it goes to the primary, and what an answer, a refusal or a lost link means for it. */
export class WriteDesk {
  readonly #options: DeskOptions;
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #links: LinkTable;
  readonly #rest: Rest;
  /** `local` and `quorum` writes; and apart from them `all`, whose window a dead voter may fill. */
  readonly #ordinary: WriteLane;
  readonly #everywhere: WriteLane;
  /** What was acknowledged `local`. */
  readonly locals: LocalReceipts = new LocalReceipts();

  constructor(options: DeskOptions) {
    const { limits, random, ledger, frames, links } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#frames = frames;
    this.#links = links;
    this.#rest = new Rest(limits.resilience.retry, random);
    this.#ordinary = new WriteLane(options);
    this.#everywhere = new WriteLane(options);
  }

  get lanes(): readonly WriteLane[] {
    return [this.#ordinary, this.#everywhere];
  }

  /** Calls that await no answer. */
  get waiting(): number {
    return this.#ordinary.waiting + this.#everywhere.waiting;
  }

  enqueue(call: WriteCall): void {
    this.#laneOf(call).enqueue(call);
  }

  fail(call: WriteCall, error: HoldfastError): void {
    this.#laneOf(call).fail(call, error);
  }

  /** Another primary, or another term. */
  retarget(link: LinkId): void {
    this.#rest.clear();
    this.#ordinary.retarget(link);
    this.#everywhere.retarget(link);
  }

  /** Returns how many answers are lost with it. */
  linkDown(link: LinkId): number {
    return this.#ordinary.linkDown(link) + this.#everywhere.linkDown(link);
  }

  tick(now: number): void {
    this.#ordinary.resumeHeld();
    this.#everywhere.resumeHeld();
    if (!this.#rest.ended(now)) return;
    this.#ordinary.resume();
    this.#everywhere.resume();
  }

  /** All that may go, of those issued before `barrier`; or one as a probe, if the primary is left out otherwise. */
  flush(now: number, barrier: number): void {
    const { target } = this.#links;
    if (target !== undefined && this.#rest.over(now)) this.#flushTo(target, now, barrier);
  }

  sessionOpened(id: number, link: LinkId, session: SessionId): void {
    this.#ordinary.sessionOpened(id, link, session);
    this.#everywhere.sessionOpened(id, link, session);
  }

  /** True if `id` was a request for a session. */
  sessionRefused(id: number, link: LinkId, error: WireError, now: number): boolean {
    const refused =
      this.#ordinary.sessionRefused(id, link, error) || this.#everywhere.sessionRefused(id, link, error);
    if (refused) this.#rest.begin(now, error.retryAfterMs);
    return refused;
  }

  /** The cluster may forget the sessions. */
  closeSessions(): void {
    const { target } = this.#links;
    if (target === undefined) return;
    for (const { sessionId } of this.lanes) {
      if (sessionId === undefined) continue;
      const id = this.#ledger.nextId();
      this.#frames.add(target.link, { kind: 'closeSession', id, session: sessionId }, SMALL_BYTES);
    }
  }

  onReply(link: LinkId, reply: WriteReply, now: number): void {
    const call = this.#ledger.find(reply.id);
    // Late answers are normal: the call has ended, or has been sent elsewhere since.
    if (call === undefined || call.link !== link) return;
    if (call.kind !== 'write') {
      this.#options.onViolation(link, 'a write reply to something else');
    } else if ('receipt' in reply) {
      this.#onReceipt(link, call, reply.receipt);
    } else {
      this.onRefused(link, call, reply.error, now);
    }
  }

  onRefused(link: LinkId, call: WriteCall, error: WireError, now: number): void {
    if (isFailureOfNode(error)) this.#links.breakerOf(link)?.refused();
    const verdict = judgeWrite(error);
    switch (verdict) {
      case 'sessionExpired':
        this.#laneOf(call).sessionExpired(call, error);
        // A node that says so of every session must not be asked without a pause.
        this.#rest.begin(now, undefined);
        return;
      case 'again':
        if (error.outcome !== 'not-applied') call.leaveOpen();
        call.refusal = error;
        this.#laneOf(call).park(call);
        this.#rest.begin(now, error.retryAfterMs);
        return;
      case 'final':
        call.link = NO_LINK;
        this.fail(call, answeredError(call, error, this.#links.nodeOf(link)));
        return;
      default:
        assertNever(verdict);
    }
  }

  #flushTo({ link, term, breaker }: Target, now: number, barrier: number): void {
    const isProbe = breaker.holdsBack;
    // A silent node is pinged all the while: no write need be risked to find out.
    if (isProbe && (breaker.cause === 'silent' || !breaker.mayProbe(now))) return;
    const sendsMax = isProbe ? 1 : Number.POSITIVE_INFINITY;
    const outlet = { link, term, breaker, barrier, now, sendsMax };
    this.#ordinary.flush(outlet);
    this.#everywhere.flush(outlet);
    if (isProbe && outlet.sendsMax === 0) breaker.probing(now);
  }

  #onReceipt(link: LinkId, call: WriteCall, receipt: WriteReceipt): void {
    if (!isReceiptFor(call, receipt)) {
      this.#options.onViolation(link, 'a receipt that does not fit the write');
      return;
    }
    const { result } = receipt;
    this.#options.token.raise(result.revision, receipt.ack === 'local');
    this.#rest.relax();
    this.#options.resilience.budget.succeeded(call.isCharged);
    switch (result.kind) {
      case 'written':
      case 'counter':
      case 'transaction':
      case 'cleared':
        if (receipt.ack === 'local') this.locals.keep({ owner: call.owner, receipt });
        this.#laneOf(call).succeed(call, receipt);
        return;
      case 'resultTooLarge':
        this.fail(
          call,
          this.#decided(
            'HOLDFAST_RESULT_TOO_LARGE',
            'the values that the transaction would have read are too large to be kept as its result',
            call,
            result.revision,
          ),
        );
        return;
      case 'conflict':
        this.fail(
          call,
          this.#decided(
            'HOLDFAST_CONFLICT',
            `condition ${result.condition} does not hold`,
            call,
            result.revision,
          ),
        );
        return;
      case 'notAnInteger':
        this.fail(
          call,
          this.#decided(
            'HOLDFAST_NOT_AN_INTEGER',
            'the value is no integer, or would leave the safe range',
            call,
            result.revision,
          ),
        );
        return;
      default:
        assertNever(result);
    }
  }

  /** A logged verdict: nothing was written, whatever became of earlier attempts. */
  #decided(
    code: 'HOLDFAST_CONFLICT' | 'HOLDFAST_NOT_AN_INTEGER' | 'HOLDFAST_RESULT_TOO_LARGE',
    text: string,
    call: WriteCall,
    detail: Revision,
  ): HoldfastError {
    return new HoldfastError(code, text, { attempts: call.attempts, detail });
  }

  #laneOf(call: WriteCall): WriteLane {
    return call.ack === 'all' ? this.#everywhere : this.#ordinary;
  }
}
