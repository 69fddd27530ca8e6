import type { LogIndex, NodeId, WireError } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';
import { wireError } from '../kernel/wire-errors.ts';
import type { Progress } from '../replication/progress.ts';
import type { Replicator } from '../replication/replicator.ts';

/** Entries that the target may lack in log and in applied before writes pause. */
const NEARLY_LEVEL_ENTRIES = 64;

interface Attempt {
  /** Operator's orders that wait for the outcome. */
  readonly ids: number[];
  readonly target: NodeId;
  readonly startedAt: number;
  /** Writes pause from here on. */
  pausedAt: number | undefined;
  ordered: boolean;
}

/**
 * Hands the primary role to a standby on order: bring the target level, pause writes, order it to stand at exactly
 * the position that it holds; unasked as well, when this node's disk is full. Given up after an election timeout of pause (Ongaro's dissertation §3.10).
 */
export class Switchover {
  readonly #context: Context;
  readonly #replicator: Replicator;
  #attempt: Attempt | undefined;

  constructor(context: Context, replicator: Replicator) {
    this.#context = context;
    this.#replicator = replicator;
  }

  /** Writes queue and are not evaluated. */
  get paused(): boolean {
    return this.#attempt?.pausedAt !== undefined;
  }

  order(id: number, target: NodeId | undefined): void {
    const chosen = target ?? this.#bestStandby();
    const refusal = this.#whyNot(chosen);
    if (refusal !== undefined) {
      this.#context.emit({ kind: 'orderDone', id, error: wireError('HOLDFAST_SWITCHOVER_FAILED', refusal) });
      return;
    }
    if (this.#attempt !== undefined) {
      this.#attempt.ids.push(id);
      return;
    }
    this.#begin(chosen!, [id]);
    this.pump();
  }

  /**
   * Hands over unasked, and pauses at once: for a primary that cannot log what would come meanwhile. To be called until
   * the office ends. False: nobody is there to take over, or nobody has in time.
   */
  handOver(): boolean {
    const { now, config } = this.#context;
    let attempt = this.#attempt;
    if (attempt === undefined) {
      const best = this.#bestStandby();
      if (this.#whyNot(best) !== undefined) return false;
      attempt = this.#begin(best!, []);
    }
    attempt.pausedAt ??= now;
    return now - attempt.pausedAt <= config.timing.electionTimeoutMs;
  }

  #begin(target: NodeId, ids: number[]): Attempt {
    const startedAt = this.#context.now;
    const attempt: Attempt = { ids, target, startedAt, pausedAt: undefined, ordered: false };
    this.#attempt = attempt;
    this.#context.notice({ kind: 'switchover', target, state: 'started' });
    return attempt;
  }

  pump(): void {
    const attempt = this.#attempt;
    if (attempt === undefined || attempt.ordered) return;
    const { log, now, term } = this.#context;
    const progress = this.#replicator.progress.get(attempt.target)!;
    if (attempt.pausedAt === undefined && this.#isNearlyLevel(progress)) attempt.pausedAt = now;
    if (attempt.pausedAt === undefined || progress.match !== log.last.index) return;
    attempt.ordered = true;
    this.#context.send(attempt.target, { kind: 'stand', term, last: log.last });
    this.#context.notice({ kind: 'switchover', target: attempt.target, state: 'ordered' });
  }

  /** True when an attempt that had paused writes was given up: the caller logs a no-op and goes on. */
  tick(): boolean {
    const attempt = this.#attempt;
    if (attempt === undefined) return false;
    const { now, config } = this.#context;
    const limit = config.timing.electionTimeoutMs;
    const late =
      attempt.pausedAt === undefined ? now - attempt.startedAt > 4 * limit : now - attempt.pausedAt > limit;
    if (!late) return false;
    this.#attempt = undefined;
    this.#context.notice({ kind: 'switchover', target: attempt.target, state: 'givenUp' });
    this.#finish(
      attempt,
      wireError('HOLDFAST_SWITCHOVER_FAILED', `${attempt.target} did not take over in time`),
    );
    return attempt.ordered;
  }

  /** The office ends: done if the target was ordered, whoever wins the next term. */
  officeEnds(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    this.#finish(
      attempt,
      attempt.ordered
        ? undefined
        : wireError('HOLDFAST_SWITCHOVER_FAILED', 'this node lost the primary role first'),
    );
  }

  #finish(attempt: Attempt, error: WireError | undefined): void {
    for (const id of attempt.ids)
      this.#context.emit(error === undefined ? { kind: 'orderDone', id } : { kind: 'orderDone', id, error });
  }

  #whyNot(target: NodeId | undefined): string | undefined {
    if (target === undefined) return 'no standby is connected';
    if (target === this.#context.config.self) return `${target} is primary already`;
    const progress = this.#replicator.progress.get(target);
    if (progress === undefined) return `${target} is not a voter of this cluster`;
    if (!progress.linked) return `${target} is not connected`;
    if (progress.excluded) return `${target} is out of the cluster`;
    if (this.#attempt !== undefined && this.#attempt.target !== target)
      return `a switchover to ${this.#attempt.target} is under way`;
    return undefined;
  }

  #bestStandby(): NodeId | undefined {
    return this.#replicator.successors().find((peer) => this.#replicator.progress.get(peer)!.linked);
  }

  #isNearlyLevel(progress: Progress): boolean {
    const last = this.#context.log.last.index as LogIndex;
    return (
      last - progress.match <= NEARLY_LEVEL_ENTRIES && last - progress.applied <= 2 * NEARLY_LEVEL_ENTRIES
    );
  }
}
