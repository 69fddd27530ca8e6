import {
  HoldfastError,
  type Revision,
  type ServerMessage,
  type Term,
  type WatchEvent,
  watchEventBytes,
} from '@holdfast/types';
import type { Seams } from '../seams.ts';
import { type LinkId, NO_LINK, type WatchCall, type WatchHome, type WatchSink } from '../session/call.ts';
import type { Tenant } from '../tenant.ts';
import { Patience } from './patience.ts';

/** What a call that opens the watch again needs to know. */
export interface WatchPosition {
  /** Undefined: from now on. */
  readonly from: Revision | undefined;
  readonly credit: number;
  readonly sink: WatchSink;
}

export interface WatchStreamOptions {
  readonly tenant: Tenant;
  readonly seams: Pick<Seams, 'clock' | 'random'>;
  readonly from: Revision | undefined;
  makeCall(position: WatchPosition): WatchCall;
}

export type StreamItem =
  | { readonly kind: 'event'; readonly event: WatchEvent; readonly term: Term }
  /** All up to here was told, and no write is told in part. */
  | { readonly kind: 'mark'; readonly revision: Revision };

type EventsMessage = Extract<ServerMessage, { kind: 'watchEvents' }>;

/** Bytes of events that may wait here to be taken; one event may go beyond. */
const WINDOW_BYTES = 262_144;

/**
 * The mutations of a range in log order, each once, whichever nodes they come from: a watch that is lost is opened
 * again, there or elsewhere, from the last revision that came. Nodes send no more than fits in a window here.
 */
export class WatchStream implements WatchSink {
  readonly #options: WatchStreamOptions;
  readonly #patience: Patience;
  /** Where the watch lives, while it does. */
  #home: WatchHome | undefined;
  #call: WatchCall | undefined;
  /** Everything up to here has come; undefined until a node has said where the watch begins. */
  #received: Revision | undefined;
  /** Everything up to here was taken. */
  #taken = 0 as Revision;
  readonly #messages: EventsMessage[] = [];
  /** Of the first message: the next event to be taken. */
  #place = 0;
  /** Bytes of events that have come and were not taken. */
  #buffered = 0;
  /** Bytes that the node may still send. */
  #allowance = 0;
  /** A node has opened it at least once. */
  #hasBegun = false;
  /** Times that it was opened, or tried to be, since anything came. */
  #tries = 0;
  #lostLink = NO_LINK;
  /** Whose logs do not go back to where it stands, though they had opened it, and what the one said that goes back farthest. */
  readonly #compactedAt = new Set<LinkId>();
  #compacted: HoldfastError | undefined;
  #error: HoldfastError | undefined;
  #isClosed = false;
  #news = Promise.withResolvers<void>();

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#patience = new Patience(options.seams);
    this.#received = options.from;
    void this.#open();
  }

  /** Everything up to here was taken, or is from before the watch. */
  get taken(): Revision {
    return this.#taken;
  }

  /** Resolves once a node has said where it begins. Rejects if none can be asked, or the watch cannot begin there. */
  async start(): Promise<void> {
    while (!this.#hasBegun && !this.#isClosed) {
      if (this.#error !== undefined) throw this.#error;
      await this.#news.promise;
    }
  }

  /** Undefined: it was closed. */
  async next(): Promise<StreamItem | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined;
      const item = this.#take();
      if (item !== undefined) return item;
      if (this.#error !== undefined) throw this.#error;
      // What was taken while it was being opened again made room that nobody has told its node of.
      this.#grant();
      await this.#news.promise;
    }
  }

  /** Nothing up to there is wanted any more: should it be lost, or too old already, it goes on from there. */
  skipTo(revision: Revision): void {
    if (this.#received === undefined || revision <= this.#received) return;
    this.#received = revision;
    this.#movedOn();
    if (this.#error === undefined || !this.#isPast(this.#error)) return;
    this.#error = undefined;
    void this.#open();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#messages.length = 0;
    this.#patience.end();
    const { tenant } = this.#options;
    if (this.#call !== undefined) tenant.abort(this.#call);
    tenant.closeWatch(this, this.#home);
    this.#home = undefined;
    this.#tell();
  }

  // As the sink of its calls.

  onOpened(home: WatchHome, revision: Revision): void {
    this.#home = home;
    if (!this.#hasBegun) this.#taken = revision;
    this.#hasBegun = true;
    this.#received ??= revision;
    this.#tell();
  }

  onEvents(message: EventsMessage): void {
    let bytes = 0;
    for (const event of message.events) bytes += watchEventBytes(event);
    this.#buffered += bytes;
    this.#allowance -= bytes;
    this.#received = Math.max(this.#received ?? 0, message.revision) as Revision;
    this.#tries = 0;
    this.#movedOn();
    this.#messages.push(message);
    this.#tell();
  }

  onLost(error: HoldfastError | undefined): void {
    this.#lostLink = this.#home?.link ?? NO_LINK;
    this.#home = undefined;
    if (error !== undefined && isFinal(error) && !this.#isPast(error) && !this.#mayBeElsewhere(error))
      this.#fail(error);
    else queueMicrotask(() => void this.#open());
  }

  async #open(): Promise<void> {
    const { tenant, makeCall } = this.#options;
    for (;;) {
      this.#tries += 1;
      if (this.#tries > 2) await this.#patience.rest(this.#tries - 3);
      if (this.#isClosed) return;
      this.#allowance = Math.max(0, WINDOW_BYTES - this.#buffered);
      this.#call = makeCall({ from: this.#received, credit: this.#allowance, sink: this });
      this.#call.avoid = this.#lostLink;
      this.#call.refusedBy = new Set(this.#compactedAt);
      try {
        await tenant.submit(this.#call);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        if (!(error instanceof HoldfastError)) throw error;
        if (this.#isPast(error)) continue;
        // Before it has begun it is a call like any other; after that it goes on whenever it can.
        if (!this.#hasBegun || isFinal(error)) {
          this.#fail(error);
          return;
        }
      } finally {
        this.#call = undefined;
      }
    }
  }

  /** What it says to be gone is wanted no more: it was on its way when that was skipped. */
  #isPast({ code, detail = Infinity }: HoldfastError): boolean {
    return code === 'HOLDFAST_REVISION_COMPACTED' && this.#received !== undefined && detail <= this.#received;
  }

  /**
   * Each node keeps its own stretch of the log: whoever has not said so yet may have it. One that has is opened again only
   * if nobody else is to be asked.
   */
  #mayBeElsewhere(error: HoldfastError): boolean {
    if (error.code !== 'HOLDFAST_REVISION_COMPACTED') return false;
    this.#compacted = farthest(error, this.#compacted);
    const isNews = !this.#compactedAt.has(this.#lostLink);
    this.#compactedAt.add(this.#lostLink);
    return isNews;
  }

  /** What nodes have said of where it stood is nothing to where it stands. */
  #movedOn(): void {
    this.#compactedAt.clear();
    this.#compacted = undefined;
  }

  #take(): StreamItem | undefined {
    const [message] = this.#messages;
    if (message === undefined) return undefined;
    const event = message.events[this.#place];
    if (event !== undefined) {
      this.#place += 1;
      this.#buffered -= watchEventBytes(event);
      this.#grant();
      return { kind: 'event', event, term: message.term };
    }
    this.#messages.shift();
    this.#place = 0;
    this.#taken = message.revision;
    return message.events.at(-1)?.endsWrite === false
      ? this.#take()
      : { kind: 'mark', revision: message.revision };
  }

  /** Half a window at a time: a word for each event would be more than the events. */
  #grant(): void {
    const room = WINDOW_BYTES - this.#buffered - this.#allowance;
    if (this.#home === undefined || room < WINDOW_BYTES / 2) return;
    this.#allowance += room;
    this.#options.tenant.grantWatch(this.#home, room);
  }

  #fail(error: HoldfastError): void {
    this.#error = error.code === 'HOLDFAST_REVISION_COMPACTED' ? farthest(error, this.#compacted) : error;
    this.#options.tenant.closeWatch(this, undefined);
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** Of what nodes have said to be gone, that of the one whose log goes back farthest. */
function farthest(error: HoldfastError, other: HoldfastError | undefined): HoldfastError {
  return other !== undefined && (other.detail ?? 0) < (error.detail ?? 0) ? other : error;
}

/** Asking again, there or elsewhere, would bring the same. */
function isFinal(error: HoldfastError): boolean {
  return error.code === 'HOLDFAST_SESSION_DIVERGED' || !error.retryable;
}
