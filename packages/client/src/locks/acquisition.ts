import {
  assertNever,
  type Condition,
  HoldfastError,
  type Operation,
  type Revision,
  type StepResult,
} from '@holdfast/types';
import type { Home } from '../home.ts';
import type { Requests } from '../requests.ts';
import type { Seams } from '../seams.ts';
import type { EncodedTransaction } from '../transaction.ts';
import { Claim, type ClaimStep } from './claim.ts';
import { Hold } from './hold.ts';
import { KeptAlive } from './kept-alive.ts';
import { Lock } from './lock.ts';
import { type LockKeys, waitingKey } from './lock-keys.ts';
import { LongWait } from './long-wait.ts';

export interface AcquisitionParts {
  readonly name: string;
  /** For people: `the lock "job"`. */
  readonly what: string;
  readonly keys: LockKeys;
  /** Unlike that of any other. */
  readonly id: Uint8Array;
  /** Of the holder: holds the id. */
  readonly record: Uint8Array;
  readonly ttlMs: number;
  readonly home: Home;
  /** In keys as they are stored. */
  readonly requests: Requests;
  readonly seams: Seams;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A place in the queue is given up by itself after that, so that those behind a dead process need not wait long. */
const WAITING_TTL_MS_MAX = 5000;
/** A place is renewed so often within its time to live. */
const RENEWALS = 3;

/** Errors of calls that may be made again here, since all of them say by the record who asks. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'HOLDFAST_SESSION_EXPIRED',
  'HOLDFAST_SEQUENCE_CLOSED',
  'HOLDFAST_REVISION_COMPACTED',
]);

/** What is taken. */
interface Taken {
  readonly token: Revision;
  readonly sentAt: number;
}

/** One call for a lock, until it is had or given up. */
export class Acquisition {
  readonly #parts: AcquisitionParts;
  readonly #claim = new Claim();
  readonly #wait: LongWait;
  #waitingKey: Buffer | undefined;
  /** When the first attempt to take it was sent of which it is not known what became. */
  #unknownSince: number | undefined;
  #taken: Taken | undefined;
  /** Its place in the queue is renewed then. */
  #renewAt = 0;

  constructor(parts: AcquisitionParts) {
    const { seams, home, timeoutMs, signal, requests } = parts;
    this.#parts = parts;
    this.#wait = new LongWait({ seams, home, timeoutMs, signal, callMs: requests.timeoutMs({}) });
  }

  /** Waits for its turn. */
  async wait(): Promise<Lock> {
    let tries = 0;
    try {
      for (;;) {
        if (this.#wait.isOver) throw this.#ended();
        try {
          const lock = await this.#advance(this.#claim.step);
          if (lock !== undefined) return lock;
          tries = 0;
        } catch (error) {
          this.#wait.obstacle = error;
          if (this.#wait.isOver) throw this.#ended();
          if (!isWorthRepeating(error)) throw error;
          await this.#wait.pause(tries++);
        }
      }
    } catch (error) {
      this.#abandon();
      throw error;
    } finally {
      this.#wait.settle();
    }
  }

  /** Undefined: another holds it. */
  async once(): Promise<Lock | undefined> {
    const { requests, keys } = this.#parts;
    try {
      // A refusal costs a read only: whoever asks again and again leaves the log alone.
      const isHeld = await requests.get(keys.held, { ...this.#wait.call, consistency: 'linearizable' });
      if (isHeld !== undefined || (await this.#take()) !== undefined) return undefined;
      const lock = this.#lock() ?? (await this.#confirm());
      if (lock === undefined) throw this.#expired();
      return lock;
    } catch (error) {
      this.#abandon();
      throw this.#wait.isOver ? this.#ended() : error;
    } finally {
      this.#wait.settle();
    }
  }

  async #advance(step: ClaimStep): Promise<Lock | undefined> {
    switch (step.kind) {
      case 'look':
        await this.#look();
        return undefined;
      case 'take': {
        const refusedAt = await this.#take();
        if (refusedAt !== undefined) {
          this.#claim.onRefused(refusedAt);
          return undefined;
        }
        this.#claim.onTaken();
        return this.#lock();
      }
      case 'queue':
        this.#waitingKey ??= waitingKey(this.#parts.keys.waiting, step.place, this.#parts.id);
        this.#claim.onQueueing();
        await this.#queue();
        this.#claim.onQueued();
        return undefined;
      case 'await':
        await this.#await(step.before ?? this.#parts.keys.held);
        return undefined;
      case 'confirm': {
        const lock = await this.#confirm();
        if (lock !== undefined) return lock;
        this.#taken = undefined;
        this.#claim.onExpired();
        return undefined;
      }
      default:
        return assertNever(step);
    }
  }

  /** For the last of those who wait before this one. */
  async #look(): Promise<void> {
    const { keys, requests } = this.#parts;
    const bounds = { gte: keys.waiting, lt: this.#waitingKey ?? behind(keys.waiting) };
    const { timeoutMs, signal } = this.#wait.call;
    const cursor = requests.cursor(
      { ...bounds, reverse: true, limit: 1, consistency: 'linearizable', timeoutMs },
      { keys: true, values: false },
    );
    try {
      const [last] = await cursor.take(1, signal);
      this.#claim.onSeen(last?.[0], cursor.revision ?? (0 as Revision));
    } finally {
      cursor.close();
    }
  }

  /** Undefined: it is taken; otherwise the revision at which another holds it. */
  async #take(): Promise<Revision | undefined> {
    const { keys, record, ttlMs } = this.#parts;
    const sentAt = this.#now;
    try {
      const { branch, steps, revision } = await this.#transact({
        conditions: [{ kind: 'absent', key: keys.held }],
        operations: [{ kind: 'put', key: keys.held, value: record, ttlMs }, ...this.#leaving],
        otherwise: [{ kind: 'get', key: keys.held }],
      });
      const [result] = steps;
      if (branch === 'then' && result?.kind === 'changed') {
        this.#taken = { token: result.revision, sentAt };
        return undefined;
      }
      if (result?.kind === 'found' && Buffer.compare(result.value, record) === 0) {
        // An attempt whose answer was lost has taken it, perhaps the first one.
        this.#taken = { token: result.revision, sentAt: this.#unknownSince ?? sentAt };
        return undefined;
      }
      return revision;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.outcome !== 'not-applied') this.#unknownSince ??= sentAt;
      throw error;
    }
  }

  /** Undefined: it was taken so long ago that it must be confirmed. */
  #lock(): Lock | undefined {
    const { token, sentAt } = this.#taken!;
    const { name, what, keys, record, ttlMs, seams, home, requests } = this.#parts;
    if (!new Hold(ttlMs, sentAt).isFresh(this.#now)) return undefined;
    const condition = { kind: 'value', key: keys.held, value: record } as const;
    const hold = new KeptAlive({
      what,
      lostCode: 'HOLDFAST_LOCK_LOST',
      seams,
      ttlMs,
      sentAt,
      renew: async (options) => (await this.#renewed(options)) !== undefined,
    });
    const remove = async (timeoutMs: number): Promise<boolean> => {
      const { result } = await requests.transaction(
        { conditions: [condition], operations: [{ kind: 'del', key: keys.held }], otherwise: [] },
        { ack: 'quorum', timeoutMs },
      );
      return result.kind === 'transaction' && result.branch === 'then';
    };
    return new Lock({ name, token, home, seams, hold, condition, usualMs: requests.timeoutMs({}), remove });
  }

  /** Undefined: it had expired. */
  async #confirm(): Promise<Lock | undefined> {
    for (;;) {
      const sentAt = this.#now;
      const revision = await this.#renewed(this.#wait.call);
      if (revision === undefined) return undefined;
      // Of this one's time: nobody else has held it since.
      this.#taken = { token: revision, sentAt };
      const lock = this.#lock();
      if (lock !== undefined) return lock;
      if (this.#wait.isOver) throw this.#ended();
    }
  }

  /** The revision of its renewal; undefined: it is another's, or gone. */
  async #renewed(options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<Revision | undefined> {
    const { keys, record, ttlMs } = this.#parts;
    const { branch, revision } = await this.#transact(
      {
        conditions: [{ kind: 'value', key: keys.held, value: record }],
        operations: [{ kind: 'expire', key: keys.held, ttlMs }],
        otherwise: [],
      },
      options,
    );
    return branch === 'then' ? revision : undefined;
  }

  /** Takes its place, or keeps it. */
  async #queue(): Promise<void> {
    const { record } = this.#parts;
    const key = this.#waitingKey!;
    const place: Operation = { kind: 'put', key, value: record, ttlMs: this.#waitingTtlMs };
    const sentAt = this.#now;
    await this.#transact({ conditions: [], operations: [place], otherwise: [] });
    this.#renewAt = sentAt + this.#waitingTtlMs / RENEWALS;
  }

  /** Until the key is gone, keeping its own place. */
  async #await(key: Uint8Array): Promise<void> {
    const { requests, seams } = this.#parts;
    const source = requests.watch(
      {
        bounds: { gte: key, lte: key },
        from: undefined,
        initial: true,
        previousValues: false,
        options: { timeoutMs: this.#wait.call.timeoutMs },
      },
      seams,
    );
    let isGone = false;
    let failure: unknown;
    const told = new AbortController();
    void (async () => {
      for (let isThere = false; ; ) {
        const item = await source.next();
        if (item === undefined) return;
        isGone = item.kind === 'del' || (item.kind === 'mark' && item.endsState && !isThere);
        if (isGone) return;
        if (item.kind !== 'mark') isThere = true;
      }
    })()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => told.abort());
    try {
      for (;;) {
        await this.#wait.wait(Math.max(0, this.#renewAt - this.#now), told.signal);
        if (isGone || failure !== undefined || this.#wait.isOver) break;
        if (this.#now >= this.#renewAt) await this.#queue();
      }
    } finally {
      source.close();
      if (!isGone) this.#claim.onUnsure();
    }
    if (failure !== undefined) throw failure;
    if (isGone) this.#claim.onGone();
  }

  get #waitingTtlMs(): number {
    return Math.min(this.#parts.ttlMs, WAITING_TTL_MS_MAX);
  }

  async #transact(
    transaction: EncodedTransaction,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal } = this.#wait.call,
  ): Promise<{
    readonly branch: 'then' | 'else';
    readonly steps: readonly StepResult[];
    readonly revision: Revision;
  }> {
    const { result } = await this.#parts.requests.transaction(transaction, { ...options, ack: 'quorum' });
    if (result.kind !== 'transaction')
      throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', 'no result of a transaction');
    return result;
  }

  /** Leaves nothing behind, as far as that can be; what is left expires. */
  #abandon(): void {
    const { keys, record, requests } = this.#parts;
    const leave = this.#leaving;
    const held: { readonly conditions: Condition[]; readonly operations: Operation[] } = this.#mayBeTaken
      ? {
          conditions: [{ kind: 'value', key: keys.held, value: record }],
          operations: [{ kind: 'del', key: keys.held }],
        }
      : { conditions: [], operations: [] };
    if (leave.length + held.operations.length === 0) return;
    const { conditions, operations } = held;
    const abandoned = (async () =>
      requests.transaction(
        { conditions, operations: [...operations, ...leave], otherwise: leave },
        { ack: 'quorum' },
      ))();
    abandoned.catch(() => undefined);
  }

  get #leaving(): Operation[] {
    return this.#waitingKey === undefined ? [] : [{ kind: 'del', key: this.#waitingKey }];
  }

  get #mayBeTaken(): boolean {
    return this.#unknownSince !== undefined || this.#taken !== undefined;
  }

  get #now(): number {
    return this.#parts.seams.clock.now();
  }

  #ended(): Error {
    return this.#wait.error(this.#parts.what, this.#mayBeTaken ? 'unknown' : 'not-applied');
  }

  #expired(): HoldfastError {
    return new HoldfastError(
      'HOLDFAST_LOCK_LOST',
      `${this.#parts.what} had expired before its holder was told`,
      {
        outcome: 'not-applied',
      },
    );
  }
}

function isWorthRepeating(error: unknown): boolean {
  return error instanceof HoldfastError && (error.retryable || REPEATABLE.has(error.code));
}

/** The first key behind all that begin so. They end in the key of a name, which may end in any byte. */
function behind(prefix: Uint8Array): Buffer {
  // A place is a number below 2^53: its first byte is never the greatest.
  return Buffer.concat([prefix, Buffer.of(0xff)]);
}
