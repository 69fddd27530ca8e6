import { HoldfastError, type Timer } from '@holdfast/types';
import type { Seams } from '../seams.ts';
import { Hold } from './hold.ts';

export interface KeptAliveParts {
  /** For people: `the lock "job"`. */
  readonly what: string;
  readonly lostCode: 'HOLDFAST_LOCK_LOST' | 'HOLDFAST_LEASE_LOST';
  readonly seams: Pick<Seams, 'clock'>;
  readonly ttlMs: number;
  /** By the clock, before the request that was granted was sent. */
  readonly sentAt: number;
  /** Asks for another time to live. False: it is another's, or gone. */
  renew(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<boolean>;
}

/** Renews something that expires for as long as it is held, and tells its holder when it is not any more. */
export class KeptAlive {
  readonly #parts: KeptAliveParts;
  readonly #hold: Hold;
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  #end: Timer | undefined;
  /** Why the last renewal failed. */
  #obstacle: unknown;

  constructor(parts: KeptAliveParts) {
    this.#parts = parts;
    this.#hold = new Hold(parts.ttlMs, parts.sentAt);
    this.#awaitEnd();
    void this.#renewing();
  }

  /** Aborted when it is lost, and at the latest when somebody looks at it after that. */
  get signal(): AbortSignal {
    this.#check();
    return this.#lost.signal;
  }

  /** Neither lost nor given up. */
  get isHeld(): boolean {
    this.#check();
    return !this.#lost.signal.aborted && !this.#stopped.signal.aborted;
  }

  /** It is not renewed any more, nor lost. False: it was lost before. */
  stop(): boolean {
    this.#check();
    this.#end?.cancel();
    this.#stopped.abort();
    return !this.#lost.signal.aborted;
  }

  /** It is not there any more, as somebody found who asked for something else. */
  lose(why: string): void {
    if (this.#stopped.signal.aborted) return;
    this.#end?.cancel();
    this.#stopped.abort();
    const { what, lostCode } = this.#parts;
    const cause = this.#obstacle;
    this.#lost.abort(new HoldfastError(lostCode, `${what} is lost: ${why}`, { cause }));
  }

  /** A process that stood still runs before its timers do. */
  #check(): void {
    if (!this.#hold.isValid(this.#now)) this.lose('it could not be renewed in time');
  }

  async #renewing(): Promise<void> {
    const stopped = this.#stopped.signal;
    while (!stopped.aborted) {
      const step = this.#hold.next(this.#now);
      if (step.kind === 'lost') return this.#check();
      if (step.kind === 'wait') await this.#wait(step.ms);
      else await this.#renew(step.ms);
    }
  }

  async #renew(timeoutMs: number): Promise<void> {
    const sentAt = this.#now;
    try {
      const isGranted = await this.#parts.renew({ timeoutMs, signal: this.#stopped.signal });
      if (!isGranted) return this.lose('it expired, or was taken away');
      this.#hold.onRenewed(sentAt, this.#now);
      this.#awaitEnd();
    } catch (error) {
      this.#obstacle = error;
      this.#hold.onFailed(this.#now);
    }
  }

  #awaitEnd(): void {
    this.#end?.cancel();
    if (this.#stopped.signal.aborted) return;
    const leftMs = Math.max(0, this.#hold.validUntil - this.#now);
    this.#end = this.#parts.seams.clock.setTimer(leftMs, () => this.#check(), { background: true });
  }

  /** Resolves after `ms`, or as soon as it is stopped. */
  #wait(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = this.#parts.seams.clock.setTimer(ms, over.resolve, { background: true });
    const onStop = (): void => over.resolve();
    this.#stopped.signal.addEventListener('abort', onStop, { once: true });
    return over.promise.finally(() => {
      timer.cancel();
      this.#stopped.signal.removeEventListener('abort', onStop);
    });
  }

  get #now(): number {
    return this.#parts.seams.clock.now();
  }
}
