import {
  type Ack,
  assert,
  assertNever,
  HoldfastError,
  type Revision,
  type ServerMessage,
  type Timer,
  type Topology,
  type WriteReceipt,
} from '@holdfast/types';
import type { LinkTiming } from './links/link-timing.ts';
import { Links } from './links/links.ts';
import type { Seams } from './seams.ts';
import type { AnyCall, Call, CallOwner, LinkId, SnapshotHome, WatchHome, WatchSink } from './session/call.ts';
import type { ClientHealth } from './session/client-health.ts';
import type { ClientLimits } from './session/client-limits.ts';
import { ClientSession } from './session/client-session.ts';
import type { ClientNews, SessionEffect } from './session/effects.ts';
import { TurnEnd } from './turn-end.ts';

export interface DriverOptions {
  readonly seeds: readonly string[];
  readonly database: string;
  /** Told to the nodes, for people. */
  readonly name: string;
  readonly seams: Seams;
  readonly limits: ClientLimits;
  readonly timing: LinkTiming;
  /** Its last user has left. */
  readonly onDeserted?: () => void;
}

/** Who uses a driver, and wants to hear of these. */
export interface DriverUser extends CallOwner {
  onTopology(topology: Topology): void;
  onNews(news: ClientNews): void;
  /** `receipts`: of its own writes that are lost. */
  onDiverged(loss: { lost: Revision; surviving: Revision; receipts: readonly WriteReceipt[] }): void;
}

/**
 * The shell around the session logic: feeds it links, messages and time, and does what it says. One life: from its
 * first user to its last.
 */
export class Driver {
  readonly #options: DriverOptions;
  readonly #session: ClientSession;
  readonly #links: Links;
  readonly #turnEnd: TurnEnd;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #defaultAck: Ack | undefined;
  readonly #users = new Set<DriverUser>();
  readonly #openings = new Set<PromiseWithResolvers<void>>();
  #started = false;
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
      onRefused: (error: HoldfastError) => {
        for (const opening of this.#openings) opening.reject(error);
      },
      isBusy: (link: LinkId) => this.#session.isAwaiting(link),
      isWatching: (link: LinkId) => this.#session.watches.isWatching(link),
    };
    this.#links = new Links({ seeds, database, name, seams, timing, handlers }, this.#session.topology);
  }

  /** The level that a write without a wish of its own gets, as the nodes are configured; undefined before one has told it. */
  get defaultAck(): Ack | undefined {
    return this.#defaultAck;
  }

  get token(): Revision {
    return this.#session.token;
  }

  get topology(): Topology {
    return this.#session.topology;
  }

  health(): ClientHealth {
    return this.#session.health();
  }

  get database(): string {
    return this.#options.database;
  }

  /** Where its cluster was there is another one: nothing more comes of it, and who opens a database now means that one. */
  get isLeftBehind(): boolean {
    const { failures } = this.#links;
    const areForeign = failures.length > 0 && failures.every(({ code }) => code === 'HOLDFAST_WRONG_CLUSTER');
    return areForeign && !this.#session.isLinked;
  }

  urlOf(link: LinkId): string | undefined {
    return this.#session.urlOf(link);
  }

  now(): number {
    return this.#options.seams.clock.now();
  }

  /** Must come before anything else that it does; to be followed by `leave`, whatever happens. */
  join(user: DriverUser): void {
    assert(!this.#closed, 'a driver that its last user has left is not joined again');
    this.#users.add(user);
  }

  /** Looks for nodes from now on, without waiting for one. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#links.start();
  }

  /** Resolves when a node has welcomed this client. Rejects with the reasons if none does in time. */
  async open(timeoutMs: number): Promise<void> {
    if (this.#session.isLinked) return;
    this.start();
    const opening = Promise.withResolvers<void>();
    this.#openings.add(opening);
    const timer = this.#options.seams.clock.setTimer(timeoutMs, () =>
      opening.reject(this.#unreachable(timeoutMs)),
    );
    try {
      await opening.promise;
    } finally {
      this.#openings.delete(opening);
      timer.cancel();
    }
  }

  /** Resolves or rejects when the call is settled. `signal` ends it at once; null is what a program has that has none. */
  submit<Result>(call: AnyCall & Call<Result>, signal?: AbortSignal | null): Promise<Result> {
    const promise = new Promise<Result>((resolve, reject) => {
      const waiting: Call<Result> = call;
      waiting.resolve = resolve;
      waiting.reject = reject;
    });
    this.#session.submit(call);
    this.#turnEnd.request();
    if (this.#timer === undefined) this.#tickLater();
    return signal === undefined || signal === null ? promise : this.#untilAborted(promise, call, signal);
  }

  /** Nobody waits for the call any more. Does nothing if it is settled. */
  abort(call: AnyCall, cause?: unknown): void {
    this.#session.abort(call, cause);
    this.#perform();
  }

  /** A program helped itself where this client could not. */
  fellBack(): void {
    this.#session.fellBack();
  }

  /** The snapshot behind a scan is not needed any more. */
  closeScan(scan: { scan: number; link: LinkId }): void {
    this.#session.closeScan(scan);
    this.#turnEnd.request();
  }

  /** The snapshot is not needed any more; scans on it go on. */
  closeSnapshot(home: SnapshotHome): void {
    this.#session.closeSnapshot(home);
    this.#turnEnd.request();
  }

  /** The watch is not wanted any more. `home`: where it lives now. */
  closeWatch(sink: WatchSink, home: WatchHome | undefined): void {
    this.#session.watches.closeWatch(sink, home);
    this.#turnEnd.request();
  }

  /** So many bytes of events more may come. */
  grantWatch(home: WatchHome, bytes: number): void {
    this.#session.watches.grantWatch(home, bytes);
    this.#turnEnd.request();
  }

  /** Ends all pending calls of that user. */
  endCalls(user: DriverUser): void {
    this.#session.endCalls(user);
    this.#perform();
  }

  /** Resolves at once, unless it was the last user: then when every link is closed. */
  async leave(user: DriverUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#closed = true;
    this.#options.onDeserted?.();
    this.#session.end();
    this.#perform();
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

  #onUp(link: LinkId, welcome: Extract<ServerMessage, { kind: 'welcome' }>, roundTripMs: number): void {
    const { node, topology, defaultAck } = welcome;
    this.#defaultAck = defaultAck;
    this.#session.linkUp(link, { node, topology, roundTripMs, defaultAck }, this.now());
    this.#afterInput();
    for (const opening of this.#openings) opening.resolve();
  }

  #onMessages(link: LinkId, messages: readonly ServerMessage[]): void {
    const now = this.now();
    for (const message of messages) this.#session.receive(link, message, now);
    this.#afterInput();
  }

  #onDown(link: LinkId, error?: HoldfastError): void {
    this.#session.linkDown(link, this.now(), error);
    this.#afterInput();
  }

  #onSilent(link: LinkId, silent: boolean): void {
    if (this.#session.linkSilent(link, silent, this.now())) this.#afterInput();
  }

  #afterInput(): void {
    this.#perform();
    this.#turnEnd.request();
  }

  #flush(): void {
    if (this.#closed) return;
    const now = this.now();
    this.#session.flush(now);
    this.#perform();
    const dueAt = this.#session.dueAt(now);
    // Not sooner than in a millisecond: what goes in one goes in one frame. What is due and cannot go for another
    // reason is looked at with the next tick.
    if (dueAt !== undefined && dueAt > now && dueAt < this.#timerAt)
      this.#wakeAt(Math.max(dueAt, now + 1), now);
  }

  #perform(): void {
    for (const effect of this.#session.takeEffects()) this.#performOne(effect);
  }

  #performOne(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'settled':
        effect.call.complete();
        return;
      case 'degraded':
        effect.call.owner?.onDegraded(effect.detail);
        return;
      case 'resent':
        effect.call.owner?.onResent(effect.call, effect.repeat, effect.node);
        return;
      case 'send':
        this.#links.send(effect.link, effect.messages);
        return;
      case 'violation':
        this.#links.cut(effect.link, effect.reason);
        return;
      case 'topology':
        this.#links.follow(effect.topology);
        for (const user of this.#users) user.onTopology(effect.topology);
        return;
      case 'news':
        for (const user of this.#users) user.onNews(effect.news);
        return;
      case 'diverged':
        this.#tellLoss(effect);
        return;
      default:
        assertNever(effect);
    }
  }

  #tellLoss({ lost, surviving, locals }: Extract<SessionEffect, { kind: 'diverged' }>): void {
    const receiptsOf = new Map<CallOwner | undefined, WriteReceipt[]>();
    for (const { owner, receipt } of locals) {
      const known = receiptsOf.get(owner);
      if (known === undefined) receiptsOf.set(owner, [receipt]);
      else known.push(receipt);
    }
    for (const user of this.#users)
      user.onDiverged({ lost, surviving, receipts: receiptsOf.get(user) ?? [] });
  }

  /** One timer for all deadlines and pauses, running only while calls are pending. It may be set to go off sooner. */
  #tickLater(): void {
    const now = this.now();
    const at = now + this.#options.limits.tickMs;
    if (at < this.#timerAt) this.#wakeAt(at, now);
  }

  #wakeAt(at: number, now: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.seams.clock.setTimer(Math.max(0, at - now), () => {
      this.#timer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#session.tick(this.now());
      this.#flush();
      if (this.#session.pending.calls > 0) this.#tickLater();
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
