import { type Ack, changesNothing, type LogIndex } from '@holdfast/types';
import { reachedIndexes, strongerAck } from '../acks/ack-rules.ts';
import { Deadlines } from '../acks/deadlines.ts';
import { type LoggedWrite, type Waiter, Waiters } from '../acks/waiters.ts';
import type { Context } from '../kernel/context.ts';
import { wireError } from '../kernel/wire-errors.ts';
import type { Replicator } from '../replication/replicator.ts';

const DEADLINE_BUCKET_MS = 16;

/** Answers each attempt once: when its acknowledgement is reached, at its deadline, or when the office ends (P9). */
export class Answers {
  readonly #context: Context;
  readonly #replicator: Replicator;
  readonly #waiters: Waiters;
  readonly #deadlines = new Deadlines<Waiter>(DEADLINE_BUCKET_MS, ({ deadline }) => deadline);
  readonly acknowledged: Record<Ack, number>;
  /** Until this entry is committed `local` is answered at quorum: a switchover was given up and may yet win. */
  localAtQuorumUntil = 0 as LogIndex;

  constructor(context: Context, replicator: Replicator, acknowledged: Record<Ack, number>) {
    this.#context = context;
    this.#replicator = replicator;
    this.acknowledged = acknowledged;
    this.#waiters = new Waiters(this.#reached());
  }

  waiter(from: {
    readonly connection: number;
    readonly id: number;
    readonly ack: Ack;
    readonly deadline: number;
    readonly repeated: boolean;
  }): Waiter {
    const waiter: Waiter = { ...from, settled: false, logged: undefined };
    this.#deadlines.add(waiter);
    return waiter;
  }

  /** Entries that somebody waits for, at each level. */
  get awaited(): number {
    return this.#waiters.size;
  }

  /** Its write is in the log: it waits for its level, or has it already. */
  logged(waiter: Waiter, write: LoggedWrite): void {
    if (waiter.settled) return;
    waiter.logged = write;
    const mayYetLose = this.#context.commit < this.localAtQuorumUntil;
    const asked = isRefusal(write) ? 'quorum' : waiter.ack;
    const level = mayYetLose ? strongerAck(asked, 'quorum') : asked;
    if (this.#waiters.add(level, waiter)) this.#settle(waiter, this.#levelOf(write.index));
  }

  /** Something became durable, committed or held by more. */
  advance(): void {
    const reached = this.#reached();
    const before = this.#waiters.reached;
    if (reached.local === before.local && reached.quorum === before.quorum && reached.all === before.all)
      return;
    this.#waiters.advance(reached, (waiter, level) => this.#settle(waiter, level));
  }

  expire(): void {
    const indexes = new Set<LogIndex>();
    this.#deadlines.expire(this.#context.now, (waiter) => {
      this.#expire(waiter);
      if (waiter.logged !== undefined) indexes.add(waiter.logged.index);
    });
    for (const index of indexes) this.#waiters.dropSettled(index);
  }

  /** The office ends: what is logged may yet commit, its fate is unknown here. */
  resign(): void {
    for (const waiter of this.#waiters.drain()) {
      if (waiter.settled) continue;
      waiter.settled = true;
      this.#context.replyError(
        waiter.connection,
        waiter.id,
        wireError(
          'HOLDFAST_OUTCOME_UNKNOWN',
          'this node is no longer primary; the write is in its log and may yet commit',
        ),
      );
    }
  }

  refuse(waiter: Waiter, error: ReturnType<typeof wireError>): void {
    if (waiter.settled) return;
    waiter.settled = true;
    this.#context.replyError(waiter.connection, waiter.id, error);
  }

  #reached() {
    const { persists, commit } = this.#context;
    return reachedIndexes({ durable: persists.durable, commit, matches: this.#replicator.matches() });
  }

  #levelOf(index: LogIndex): Ack {
    const { reached } = this.#waiters;
    if (index <= reached.all) return 'all';
    return index <= reached.quorum ? 'quorum' : 'local';
  }

  #settle(waiter: Waiter, ack: Ack): void {
    if (waiter.settled) return;
    waiter.settled = true;
    const { index, term, outcome } = waiter.logged!;
    const { connection, id, repeated } = waiter;
    if (outcome.kind === 'sessionOpened')
      this.#context.reply(connection, { id, kind: 'sessionOpened', session: outcome.session });
    else if (outcome.kind === 'sessionClosed') this.#context.reply(connection, { id, kind: 'sessionClosed' });
    else {
      this.acknowledged[ack]++;
      const receipt = { result: outcome.result, term, index, ack, copies: this.#copies(index), repeated };
      this.#context.reply(connection, { id, kind: 'receipt', receipt });
    }
  }

  #expire(waiter: Waiter): void {
    if (waiter.settled) return;
    waiter.settled = true;
    const { connection, id, logged } = waiter;
    if (logged === undefined) {
      const error = wireError(
        'HOLDFAST_DEADLINE_EXCEEDED',
        'the deadline passed before the write was logged',
        { outcome: 'not-applied' },
      );
      this.#context.replyError(connection, id, error);
    } else if (logged.index <= this.#context.commit) {
      const copies = this.#copies(logged.index);
      const error = wireError('HOLDFAST_ACK_NOT_REACHED', `committed, but held by ${copies} voters only`, {
        detail: copies,
      });
      this.#context.replyError(connection, id, error);
    } else {
      const error = wireError(
        'HOLDFAST_DEADLINE_EXCEEDED',
        'the deadline passed before the write was acknowledged',
      );
      this.#context.replyError(connection, id, error);
    }
  }

  #copies(index: LogIndex): number {
    let copies = 0;
    for (const match of this.#replicator.matches()) if (match >= index) copies++;
    return copies;
  }
}

/**
 * It changed nothing, so there is nothing that every voter could hold: once committed it is final. Waiting for
 * `all` would end, with a voter down, in "applied, but not everywhere", which it is not (G6).
 */
function isRefusal({ outcome }: LoggedWrite): boolean {
  return outcome.kind === 'write' && changesNothing(outcome.result);
}
