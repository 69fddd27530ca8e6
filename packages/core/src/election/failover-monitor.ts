import type { NodeId } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

/** Suspicions of one primary within one election timeout; a flapping link costs no more. */
const TRIES_MAX = 3;

/** So many pauses of this process put an election off before a primary is heard: one that is always slow would never stand. */
const PAUSES_MAX = 4;

/**
 * When to believe in the primary, and when to stand. A standby is loyal to a primary that it heard within an
 * election timeout (stickiness), unless it suspects it: its link closed and a new one was refused, it came back as
 * another process, or it resigned.
 */
export class FailoverMonitor {
  readonly #context: Context;
  readonly #onSuspicion: () => void;
  /** Best first, as the primary last told. */
  #successors: readonly NodeId[] = [];
  #heardAt: number | undefined;
  #doubted = false;
  #suspectedSince: number | undefined;
  #suspicions: number[] = [];
  /** How often a pause has put the election off since the primary was heard. */
  #pauses = 0;
  /** When to stand if nothing is heard. */
  electionAt: number;

  constructor(context: Context, onSuspicion: () => void) {
    this.#context = context;
    this.#onSuspicion = onSuspicion;
    const timeout = context.config.timing.electionTimeoutMs;
    this.electionAt = context.now + timeout * (0.25 + 0.25 * context.random.next());
  }

  get suspecting(): boolean {
    return this.#suspectedSince !== undefined;
  }

  /** Loyal: votes and pre-votes for others are refused, judged before their term is adopted. */
  get sticky(): boolean {
    const { now, primary, config } = this.#context;
    if (primary === undefined || primary === config.self || this.suspecting || this.#heardAt === undefined)
      return false;
    return now - this.#heardAt < config.timing.electionTimeoutMs;
  }

  /** Position in the order of successors, by node id where the primary told none. */
  get rank(): number {
    const { config, primary } = this.#context;
    const order =
      this.#successors.length > 0 ? this.#successors : config.voters.filter((voter) => voter !== primary);
    const rank = order.indexOf(config.self);
    return rank < 0 ? order.length : rank;
  }

  /** Milliseconds since the primary was heard; undefined if never. */
  get silenceMs(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#context.now - this.#heardAt;
  }

  /** The primary of this term spoke. */
  heard(successors?: readonly NodeId[]): void {
    const { now, config } = this.#context;
    this.#heardAt = now;
    this.#pauses = 0;
    this.#doubted = false;
    this.#suspectedSince = undefined;
    if (successors !== undefined) this.#successors = successors;
    this.electionAt =
      now + config.timing.electionTimeoutMs + this.rank * config.timing.rankStepMs + this.#jitter();
  }

  /** Nobody is primary of the new term yet. */
  forgetPrimary(): void {
    this.#heardAt = undefined;
    this.#doubted = false;
    this.#suspectedSince = undefined;
  }

  linkLost(peer: NodeId): void {
    if (peer === this.#context.primary) this.#doubted = true;
  }

  /** A dial to `peer` failed. The first one after the link was lost tells a dead process from a broken link. */
  linkRefused(peer: NodeId): void {
    if (peer === this.#context.primary && this.#doubted)
      this.#suspect(peer, 'its link closed and a new one was refused');
  }

  newBoot(peer: NodeId): void {
    if (peer === this.#context.primary) this.#suspect(peer, 'it was restarted');
  }

  resigned(primary: NodeId): void {
    if (primary === this.#context.primary) this.#suspect(primary, 'it resigned');
  }

  /** This process was not running for a while: let what piled up be heard before it stands. */
  stalled(): void {
    const { now, role, config } = this.#context;
    const delayMs = 2 * config.timing.heartbeatMs;
    if (role !== 'standby' || this.electionAt >= now + delayMs || this.#pauses >= PAUSES_MAX) return;
    this.#pauses += 1;
    this.postpone(delayMs);
  }

  postpone(delayMs: number): void {
    this.electionAt = Math.max(this.electionAt, this.#context.now + delayMs);
  }

  /** Stand again after a try that failed, better ranks first. */
  retryByRank(): void {
    this.standAfter(0);
  }

  /** Not before `delayMs`, then by rank. */
  standAfter(delayMs: number): void {
    this.electionAt =
      this.#context.now + delayMs + this.rank * this.#context.config.timing.rankStepMs + this.#jitter();
  }

  /** Nobody answered or nobody agreed: try again later, not in step with others. */
  retryLater(): void {
    const timeout = this.#context.config.timing.electionTimeoutMs;
    this.electionAt = this.#context.now + timeout * (0.5 + 0.5 * this.#context.random.next());
  }

  #suspect(primary: NodeId, reason: string): void {
    if (this.suspecting) return;
    const { now, config } = this.#context;
    this.#suspicions = this.#suspicions.filter((at) => now - at < config.timing.electionTimeoutMs);
    if (this.#suspicions.length >= TRIES_MAX) return;
    this.#suspicions.push(now);
    this.#suspectedSince = now;
    this.#doubted = false;
    this.#context.notice({ kind: 'suspicion', of: primary, reason });
    this.electionAt = now + this.rank * config.timing.rankStepMs;
    this.#onSuspicion();
  }

  #jitter(): number {
    return this.#context.random.next() * this.#context.config.timing.rankStepMs;
  }
}
