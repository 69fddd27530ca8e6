import {
  type Ack,
  assertNever,
  HoldfastError,
  type Revision,
  type ServerMessage,
  type Timer,
  type Topology,
} from '@holdfast/types';
import type { LinkTiming } from './links/link-timing.ts';
import { Links } from './links/links.ts';
import type { Seams } from './seams.ts';
import type { AnyCall, Call, LinkId } from './session/call.ts';
import type { ClientLimits } from './session/client-limits.ts';
import { ClientSession } from './session/client-session.ts';
import type { SessionEffect } from './session/effects.ts';
import { TurnEnd } from './turn-end.ts';

export interface DriverOptions {
  readonly seeds: readonly string[];
  readonly database: string;
  /** Told to the nodes, for people. */
  readonly name: string;
  readonly seams: Seams;
  readonly limits: ClientLimits;
  readonly timing: LinkTiming;
  readonly onTopology: (topology: Topology) => void;
  readonly onDiverged: (loss: { lost: Revision; surviving: Revision }) => void;
}

/** The shell around the session logic: feeds it links, messages and time, and does what it says. One life. */
export class Driver {
  readonly #options: DriverOptions;
  readonly #session: ClientSession;
  readonly #links: Links;
  readonly #turnEnd: TurnEnd;
  #timer: Timer | undefined;
  #defaultAck: Ack = 'quorum';
  #opening: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #graceTimer: Timer | undefined;
  #onIdle: (() => void) | undefined;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    const { seeds, database, name, seams, timing, limits } = options;
    this.#session = new ClientSession({ limits, random: () => seams.random.next(), now: seams.clock.now() });
    this.#turnEnd = new TurnEnd(() => this.#flush());
    const handlers = {
      onUp: this.#onUp.bind(this),
      onMessages: this.#onMessages.bind(this),
      onDown: this.#onDown.bind(this),
      onSilent: (link: LinkId, silent: boolean) => this.#onSilent(link, silent),
      onRefused: (error: HoldfastError) => this.#opening?.reject(error),
      isBusy: () => this.#session.pending.calls > 0,
    };
    this.#links = new Links({ seeds, database, name, seams, timing, handlers }, this.#session.topology);
  }

  /** The level that a write without a wish of its own gets: the nodes' configured one, once a node has told it. */
  get defaultAck(): Ack {
    return this.#defaultAck;
  }

  get token(): Revision {
    return this.#session.token;
  }

  get topology(): Topology {
    return this.#session.topology;
  }

  get pendingCalls(): number {
    return this.#session.pending.calls;
  }

  now(): number {
    return this.#options.seams.clock.now();
  }

  /** Resolves when one node has welcomed this client. Rejects with the reasons if none does in time. */
  async open(timeoutMs: number): Promise<void> {
    const timer = this.#options.seams.clock.setTimer(timeoutMs, () =>
      this.#opening?.reject(this.#unreachable(timeoutMs)),
    );
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opening = { resolve, reject };
        this.#links.start();
      });
    } catch (error) {
      this.#closed = true;
      await this.#links.stop();
      throw error;
    } finally {
      this.#opening = undefined;
      timer.cancel();
    }
  }

  /** Resolves or rejects when the call is settled. `signal` ends it at once. */
  submit<Result>(call: AnyCall & Call<Result>, signal?: AbortSignal): Promise<Result> {
    const promise = new Promise<Result>((resolve, reject) => {
      const waiting: Call<Result> = call;
      waiting.resolve = resolve;
      waiting.reject = reject;
    });
    if (this.#closed) {
      call.fail(new HoldfastError('HOLDFAST_ABORTED', 'the client is closed', { outcome: 'not-applied' }));
      call.complete();
      return promise;
    }
    this.#session.submit(call);
    this.#turnEnd.request();
    if (this.#timer === undefined) this.#startTimer();
    return signal === undefined ? promise : this.#untilAborted(promise, call, signal);
  }

  /** Nobody waits for the call any more. Does nothing if it is settled. */
  abort(call: AnyCall, cause?: unknown): void {
    this.#session.abort(call, cause);
    this.#perform();
  }

  /** The snapshot behind a scan is not needed any more. */
  closeScan(scan: { scan: number; link: LinkId }): void {
    this.#session.closeScan(scan);
    this.#turnEnd.request();
  }

  /** From now on pending calls have `graceMs` to end by themselves; then they are ended. */
  startClosing(graceMs: number): void {
    this.#graceTimer ??= this.#options.seams.clock.setTimer(graceMs, () => this.#endCalls());
  }

  /** Waits for pending calls as long as `startClosing` allows, then closes every link. */
  async close(): Promise<void> {
    if (this.#session.pending.calls > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#graceTimer?.cancel();
    this.#endCalls();
    this.#timer?.cancel();
    await this.#links.stop();
  }

  async #untilAborted<Result>(promise: Promise<Result>, call: AnyCall, signal: AbortSignal): Promise<Result> {
    const onAbort = (): void => this.abort(call, signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #endCalls(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.end();
    this.#perform();
  }

  #onUp(link: LinkId, welcome: Extract<ServerMessage, { kind: 'welcome' }>): void {
    this.#defaultAck = welcome.defaultAck;
    this.#session.linkUp(link, welcome);
    this.#afterInput();
    this.#opening?.resolve();
  }

  #onMessages(link: LinkId, messages: readonly ServerMessage[]): void {
    const now = this.now();
    for (const message of messages) this.#session.receive(link, message, now);
    this.#afterInput();
  }

  #onDown(link: LinkId): void {
    this.#session.linkDown(link);
    this.#afterInput();
  }

  #onSilent(link: LinkId, silent: boolean): void {
    if (this.#session.linkSilent(link, silent)) this.#afterInput();
  }

  #afterInput(): void {
    this.#perform();
    this.#turnEnd.request();
  }

  #flush(): void {
    if (this.#closed) return;
    this.#session.flush(this.now());
    this.#perform();
  }

  #perform(): void {
    for (const effect of this.#session.takeEffects()) this.#performOne(effect);
    if (this.#session.pending.calls === 0) this.#onIdle?.();
  }

  #performOne(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'settled':
        effect.call.complete();
        return;
      case 'send':
        this.#links.send(effect.link, effect.messages);
        return;
      case 'violation':
        this.#links.cut(effect.link, effect.reason);
        return;
      case 'topology':
        this.#links.follow(effect.topology);
        this.#options.onTopology(effect.topology);
        return;
      case 'diverged':
        this.#options.onDiverged({ lost: effect.lost, surviving: effect.surviving });
        return;
      default:
        assertNever(effect);
    }
  }

  /** One timer for all deadlines and pauses, running only while calls are pending. */
  #startTimer(): void {
    this.#timer = this.#options.seams.clock.setTimer(this.#options.limits.tickMs, () => {
      this.#timer = undefined;
      this.#session.tick(this.now());
      this.#flush();
      if (this.#session.pending.calls > 0 && this.#timer === undefined) this.#startTimer();
    });
  }

  #unreachable(timeoutMs: number): HoldfastError {
    const failures = this.#links.failures;
    const reasons = failures.map(({ message }) => message).join('; ');
    return new HoldfastError(
      'HOLDFAST_NO_PRIMARY',
      `no node answered within ${timeoutMs} ms${reasons === '' ? '' : `: ${reasons}`}`,
      {
        cause:
          failures.length === 1
            ? failures[0]
            : failures.length === 0
              ? undefined
              : new AggregateError(failures),
      },
    );
  }
}
