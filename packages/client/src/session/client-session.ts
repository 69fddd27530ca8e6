import type {
  NodeId,
  Revision,
  ServerMessage,
  Topology,
  WireError,
  WriteReceipt,
  WriteReply,
} from '@holdfast/types';
import { assertNever, HoldfastError } from '@holdfast/types';
import {
  type AnyCall,
  type CallOwner,
  type LinkId,
  NO_LINK,
  type SnapshotHome,
  type WriteCall,
} from './call.ts';
import { CallLedger } from './call-ledger.ts';
import type { ClientLimits } from './client-limits.ts';
import type { SessionEffect } from './effects.ts';
import { abortedError, answeredError, deadlineError } from './failures.ts';
import { FrameWriter } from './frame-writer.ts';
import { LinkTable } from './link-table.ts';
import { ReadDesk } from './read-desk.ts';
import { Rest } from './rest.ts';
import { SessionToken } from './session-token.ts';
import { isReceiptFor } from './validity.ts';
import { judgeWrite } from './verdicts.ts';
import { WriteLane } from './write-lane.ts';

/** Room that a request without keys and values takes in a frame. */
const SMALL_BYTES = 64;

/**
 * The decisions of a client, without I/O: which call goes where, what an answer or a lost link means for it, and
 * how each ends. Inputs are method calls that carry the time; what is to be done is handed out by `takeEffects`.
 */
export class ClientSession {
  readonly #ledger: CallLedger;
  readonly #frames: FrameWriter;
  readonly #links = new LinkTable();
  readonly #token = new SessionToken();
  /** `local` and `quorum` writes; and apart from them `all`, whose window a dead voter may fill. */
  readonly #ordinary: WriteLane;
  readonly #everywhere: WriteLane;
  readonly #reads: ReadDesk;
  readonly #rest: Rest;
  #effects: SessionEffect[] = [];

  /** `random`: in [0, 1). */
  constructor(options: { limits: ClientLimits; random: () => number; now: number }) {
    const { limits, random, now } = options;
    this.#ledger = new CallLedger(limits, now);
    this.#frames = new FrameWriter(limits);
    this.#ordinary = new WriteLane(limits, this.#ledger, this.#frames);
    this.#everywhere = new WriteLane(limits, this.#ledger, this.#frames);
    this.#reads = new ReadDesk({
      limits,
      random,
      ledger: this.#ledger,
      frames: this.#frames,
      links: this.#links,
      token: this.#token,
      onViolation: (link, reason) => this.#violation(link, reason),
      onDiverged: (loss) => this.#effects.push({ kind: 'diverged', ...loss }),
    });
    this.#rest = new Rest(limits, random);
  }

  get token(): Revision {
    return this.#token.revision;
  }

  get topology(): Topology {
    return this.#links.topology;
  }

  /** Some node can be asked. */
  get isLinked(): boolean {
    return this.#links.routes.all.length > 0;
  }

  /** Calls not settled. */
  get pending(): { readonly calls: number; readonly bytes: number } {
    return { calls: this.#ledger.size, bytes: this.#ledger.bytes };
  }

  submit(call: AnyCall): void {
    if (!this.#ledger.admit(call)) return;
    switch (call.kind) {
      case 'write':
        this.#laneOf(call).enqueue(call);
        break;
      case 'read':
      case 'scan':
      case 'snapshot':
        this.#reads.enqueue(call);
        break;
      case 'bound':
        this.#reads.send(call);
        break;
      default:
        assertNever(call);
    }
  }

  /** The caller has lost interest. Does nothing for a settled call. */
  abort(call: AnyCall, cause: unknown): void {
    if (!call.settled) this.#fail(call, abortedError(call, cause));
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
  linkUp(link: LinkId, welcome: { node: NodeId; topology: Topology; roundTripMs: number }): void {
    const changed = this.#links.add(link, welcome);
    this.#afterTopology(changed);
  }

  linkDown(link: LinkId): void {
    if (!this.#links.remove(link)) return;
    this.#ordinary.linkDown(link);
    this.#everywhere.linkDown(link);
    this.#reads.linkDown(link);
    this.#afterTopology(false);
  }

  /** The node has not been heard for a while although it should have been; or is heard again. False: no news. */
  linkSilent(link: LinkId, silent: boolean): boolean {
    if (!this.#links.setSilent(link, silent)) return false;
    if (silent && this.#links.routes.all.length > 1) this.#reads.linkSilent(link);
    return true;
  }

  receive(link: LinkId, message: ServerMessage, now: number): void {
    if (!this.#links.has(link)) return;
    switch (message.kind) {
      case 'writeReplies':
        for (const reply of message.replies) this.#onWriteReply(link, reply, now);
        return;
      case 'readReplies':
        for (const reply of message.replies) this.#reads.onReply(link, reply, now);
        return;
      case 'scanPage':
        this.#reads.onPage(link, message, now);
        return;
      case 'topology':
        this.#afterTopology(this.#links.learn(link, message.topology));
        return;
      case 'sessionOpened':
        if (!this.#ordinary.sessionOpened(message.id, link, message.session)) {
          this.#everywhere.sessionOpened(message.id, link, message.session);
        }
        return;
      case 'snapshotOpened':
        this.#reads.onSnapshot(link, message.id, message.revision, now);
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
    const { target } = this.#links;
    if (target !== undefined && this.#rest.over(now)) {
      const barrier = this.#reads.writeBarrier;
      this.#ordinary.flush(target.link, barrier, now);
      this.#everywhere.flush(target.link, barrier, now);
    }
    this.#reads.flush(now);
    for (const frame of this.#frames.take()) this.#effects.push({ kind: 'send', ...frame });
  }

  /** Every `tickMs` while calls are pending. */
  tick(now: number): void {
    for (const call of this.#ledger.expire(now)) {
      this.#fail(call, deadlineError(call, { primaryKnown: this.#links.target !== undefined }));
    }
    this.#reads.tick(now);
    if (!this.#rest.ended(now)) return;
    this.#ordinary.resume();
    this.#everywhere.resume();
  }

  /** Ends the calls of one owner. */
  endCalls(owner: CallOwner): void {
    this.#endWhere((call) => call.owner === owner);
  }

  /** The client closes: every call ends now, and the cluster may forget the sessions. */
  end(): void {
    this.#endWhere(() => true);
    const { target } = this.#links;
    if (target === undefined) return;
    for (const { sessionId } of [this.#ordinary, this.#everywhere]) {
      if (sessionId === undefined) continue;
      const id = this.#ledger.nextId();
      this.#frames.add(target.link, { kind: 'closeSession', id, session: sessionId }, SMALL_BYTES);
    }
    for (const frame of this.#frames.take()) this.#effects.push({ kind: 'send', ...frame });
  }

  takeEffects(): SessionEffect[] {
    for (const call of this.#ledger.takeSettled()) this.#effects.push({ kind: 'settled', call });
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  #endWhere(where: (call: AnyCall) => boolean): void {
    const open: AnyCall[] = [];
    this.#ledger.forEach((call) => {
      if (where(call)) open.push(call);
    });
    for (const call of open) this.#fail(call, abortedError(call, undefined));
  }

  #laneOf(call: WriteCall): WriteLane {
    return call.ack === 'all' ? this.#everywhere : this.#ordinary;
  }

  #afterTopology(announce: boolean): void {
    if (announce) this.#effects.push({ kind: 'topology', topology: this.#links.topology });
    const before = this.#links.target?.link ?? NO_LINK;
    const target = this.#links.retarget();
    if (target === undefined) return;
    this.#rest.clear();
    this.#ordinary.retarget(target.link);
    this.#everywhere.retarget(target.link);
    this.#reads.retarget({ from: before, to: target.link });
  }

  #onWriteReply(link: LinkId, reply: WriteReply, now: number): void {
    const call = this.#ledger.find(reply.id);
    // Late answers are normal: the call has ended, or has been sent elsewhere since.
    if (call === undefined || call.link !== link) return;
    if (call.kind !== 'write') {
      this.#violation(link, 'a write reply to something else');
    } else if ('receipt' in reply) {
      this.#onReceipt(link, call, reply.receipt);
    } else {
      this.#onWriteRefused(link, call, reply.error, now);
    }
  }

  #onReceipt(link: LinkId, call: WriteCall, receipt: WriteReceipt): void {
    if (!isReceiptFor(call, receipt)) {
      this.#violation(link, 'a receipt that does not fit the write');
      return;
    }
    const { result } = receipt;
    this.#token.raise(result.revision);
    this.#rest.relax();
    switch (result.kind) {
      case 'written':
      case 'counter':
      case 'transaction':
        this.#laneOf(call).succeed(call, receipt);
        return;
      case 'resultTooLarge':
        this.#fail(
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
        this.#fail(
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
        this.#fail(
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

  #onWriteRefused(link: LinkId, call: WriteCall, error: WireError, now: number): void {
    const verdict = judgeWrite(error);
    switch (verdict) {
      case 'sessionExpired':
        this.#laneOf(call).sessionExpired(call, error);
        // A node that says so of every session must not be asked without a pause.
        this.#rest.begin(now, undefined);
        return;
      case 'again':
        if (error.outcome !== 'not-applied') call.mayBeLogged = true;
        call.refusal = error;
        this.#laneOf(call).park(call);
        this.#rest.begin(now, error.retryAfterMs);
        return;
      case 'final':
        call.link = NO_LINK;
        this.#fail(call, answeredError(call, error, this.#links.nodeOf(link)));
        return;
      default:
        assertNever(verdict);
    }
  }

  #onFailed(link: LinkId, id: number, error: WireError, now: number): void {
    if (this.#ordinary.sessionRefused(id, link, error) || this.#everywhere.sessionRefused(id, link, error)) {
      this.#rest.begin(now, error.retryAfterMs);
      return;
    }
    const call = this.#ledger.find(id);
    if (call === undefined || call.link !== link) return;
    switch (call.kind) {
      case 'write':
        this.#onWriteRefused(link, call, error, now);
        return;
      case 'read':
      case 'scan':
      case 'snapshot':
      case 'bound':
        this.#reads.onRefused(link, call, error, now);
        return;
      default:
        assertNever(call);
    }
  }

  #fail(call: AnyCall, error: HoldfastError): void {
    switch (call.kind) {
      case 'write':
        this.#laneOf(call).fail(call, error);
        return;
      case 'read':
      case 'scan':
      case 'snapshot':
      case 'bound':
        this.#reads.fail(call, error);
        return;
      default:
        assertNever(call);
    }
  }

  #violation(link: LinkId, reason: string): void {
    this.#effects.push({ kind: 'violation', link, reason });
  }
}
