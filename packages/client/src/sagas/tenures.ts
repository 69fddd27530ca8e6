import { HoldfastError, type Revision } from '@holdfast/types';
import type { HoldfastSublevel } from '../holdfast-sublevel.ts';
import type { Seams } from '../seams.ts';
import { isWorthRepeating, pause } from './attempts.ts';
import type { SagaDatabase } from './saga-store.ts';

/** The right to work on one saga, as long as `signal` is not aborted. */
export interface Tenure {
  /** Greater than that of every tenure of the saga before. */
  readonly token: Revision;
  readonly signal: AbortSignal;
}

export interface HeldTenure extends Tenure {
  release(): Promise<void>;
}

/** How a tenure is kept: changed by its holder from time to time, so that others see that it lives. */
interface TenureRecord {
  readonly holder: string;
  readonly ttlMs: number;
  readonly beat: number;
}

const SUBLEVEL = 'sagas-tenures';
/** Renewed so often within its time to live. */
const BEATS = 3;
/** Of its time to live: the holder gives up so much sooner than others may take over. Clocks may differ by less in speed. */
const MARGIN = 0.1;
/** Tenures of others that are watched at a time. */
const SEEN_MAX = 10_000;
const LOOK_MS_MAX = 500;

/**
 * Who works on which saga: one process at a time, without comparing clocks. A tenure whose record has not changed for as
 * long as it says, by the clock of whoever watches it, has ended (as in AWS's DynamoDB lock client, 2017); its holder, which
 * counts from before it last renewed it, knows so earlier.
 */
export class Tenures {
  readonly #level: HoldfastSublevel<unknown, string, TenureRecord>;
  readonly #seams: Seams;
  readonly #ttlMs: number;
  readonly #holder: string;
  /** Since when a record is known as it is. */
  readonly #seen = new Map<string, { readonly revision: Revision; readonly since: number }>();

  constructor(database: SagaDatabase, seams: Seams, ttlMs: number) {
    this.#level = database.sublevel(SUBLEVEL, {
      keyEncoding: 'utf8',
      valueEncoding: 'json',
    }) as HoldfastSublevel<unknown, string, TenureRecord>;
    this.#seams = seams;
    this.#ttlMs = ttlMs;
    this.#holder = Buffer.from(seams.random.bytes(12)).toString('hex');
  }

  /** Waits for its turn. Rejects with HOLDFAST_ABORTED once `signal` is aborted. */
  async take(name: string, signal: AbortSignal | undefined): Promise<HeldTenure> {
    for (;;) {
      try {
        const tenure = await this.tryTake(name, signal);
        if (tenure !== undefined) return tenure;
      } catch (error) {
        if (signal?.aborted === true || !isWorthRepeating(error)) throw error;
      }
      await pause(Math.min(this.#ttlMs / BEATS, LOOK_MS_MAX), { seams: this.#seams, signal });
    }
  }

  /** Undefined: another process has it, as far as can be told. */
  async tryTake(name: string, signal: AbortSignal | undefined): Promise<HeldTenure | undefined> {
    const found = await this.#level.read(name, { consistency: 'linearizable', signal });
    if (found !== undefined && !this.#isOver(name, found.revision, found.value.ttlMs)) return undefined;
    this.#seen.delete(name);
    const startedAt = this.#seams.clock.now();
    const record: TenureRecord = { holder: this.#holder, ttlMs: this.#ttlMs, beat: 0 };
    const revision = await this.#put(name, found?.revision ?? (0 as Revision), record, signal);
    return revision === undefined ? undefined : this.#hold(name, revision, startedAt);
  }

  #isOver(name: string, revision: Revision, ttlMs: number): boolean {
    const now = this.#seams.clock.now();
    const seen = this.#seen.get(name);
    if (seen?.revision === revision) return now - seen.since >= ttlMs;
    this.#seen.delete(name);
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined && this.#seen.size >= SEEN_MAX) this.#seen.delete(oldest);
    this.#seen.set(name, { revision, since: now });
    return false;
  }

  /** The record's new revision; undefined if it is not at the one given (0: absent) any more. */
  async #put(
    name: string,
    revision: Revision,
    record: TenureRecord,
    signal: AbortSignal | undefined,
  ): Promise<Revision | undefined> {
    const { branch, revision: written } = await this.#level.transaction(
      { if: [{ key: name, revision }], then: [{ type: 'put', key: name, value: record }] },
      { signal },
    );
    return branch === 'then' ? written : undefined;
  }

  #hold(name: string, token: Revision, startedAt: number): HeldTenure {
    const { clock } = this.#seams;
    const lost = new AbortController();
    const stopped = new AbortController();
    const validMs = this.#ttlMs * (1 - MARGIN);
    let revision: Revision = token;
    const loseAt = (at: number) =>
      clock.setTimer(Math.max(0, at - clock.now()), () => lose('it could not be renewed in time'), {
        background: true,
      });
    let validity = loseAt(startedAt + validMs);
    const lose = (why: string): void => {
      validity.cancel();
      stopped.abort();
      const error = new HoldfastError('HOLDFAST_ABORTED', `the right to work on the saga is lost: ${why}`);
      lost.abort(error);
    };
    const renewing = (async () => {
      for (let beat = 1; ; beat += 1) {
        await wait(this.#seams, this.#ttlMs / BEATS, stopped.signal);
        if (stopped.signal.aborted) return;
        const sentAt = clock.now();
        try {
          const record = { holder: this.#holder, ttlMs: this.#ttlMs, beat };
          const renewed = await this.#put(name, revision, record, stopped.signal);
          if (renewed === undefined) return lose('another process has taken it over');
          revision = renewed;
        } catch {
          // Whether it was renewed is not known, and with it the revision: what can be told is read, as long as there is time.
          const found = await this.#level.read(name, { signal: stopped.signal }).catch(() => undefined);
          if (found?.value.holder !== this.#holder || found.value.beat !== beat) continue;
          revision = found.revision;
        }
        if (stopped.signal.aborted) return;
        validity.cancel();
        validity = loseAt(sentAt + validMs);
      }
    })();
    return {
      token,
      signal: lost.signal,
      release: async () => {
        validity.cancel();
        stopped.abort();
        await renewing;
        if (lost.signal.aborted) return;
        // Left where it is, it ends by itself.
        await this.#level
          .transaction({
            if: [{ key: name, revision }],
            then: [{ type: 'del', key: name }],
          })
          .catch(() => undefined);
      },
    };
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
function wait(seams: Seams, ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = seams.clock.setTimer(ms, over.resolve, { background: true });
  signal.addEventListener('abort', () => over.resolve(), { once: true });
  return over.promise.finally(() => timer.cancel());
}
