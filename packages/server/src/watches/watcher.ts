import {
  type Entry,
  HoldfastError,
  type LogIndex,
  lastRevisionOf,
  type Revision,
  type ServerMessage,
  type Term,
  type WatchEvent,
  type WatchedRange,
  watchEventBytes,
} from '@holdfast/types';
import type { Match, RangeFilter } from './range-filter.ts';
import type { RecentEntry } from './recent-entries.ts';

export type WatchEventsMessage = Extract<ServerMessage, { kind: 'watchEvents' }>;

/** Who is told. */
export interface WatchSink {
  /** More can be sent to it now without piling up in this process. */
  readonly hasRoom: boolean;
  /** First. */
  onOpened(revision: Revision): void;
  onEvents(events: Omit<WatchEventsMessage, 'kind' | 'id'>, bytes: number): void;
  /** Last, unless it was closed by its owner. */
  onEnded(error: HoldfastError): void;
}

export interface WatchRequest {
  readonly range: WatchedRange;
  readonly from?: Revision;
  readonly previousValues: boolean;
  /** Bytes. */
  readonly credit: number;
}

/** Events of one message. */
const MESSAGE_BYTES = 131_072;

/**
 * One watch on this node: how far it has come in the log, and how much more it may be told. It holds no events: what
 * it cannot be told yet stays where it is, in the feed's recent entries or in the log.
 */
export class Watcher {
  readonly request: WatchRequest;
  readonly sink: WatchSink;
  readonly filter: RangeFilter;
  /** The entry to look at next. */
  next: LogIndex;
  /** Everything in the range up to it was handed over, or has been before the watch. */
  position: Revision;
  /** Bytes; below nought if the last event was larger than what was left. */
  credit: number;
  /** It has never been granted anything: it waits to be told at another node, and is not behind. */
  isShadow: boolean;
  /** It waits for the log: nothing else is to be done for it meanwhile. */
  isReading = false;
  isEnded = false;
  /** The newest position that the other side knows. */
  #told: Revision;

  constructor(
    request: WatchRequest,
    sink: WatchSink,
    start: { readonly filter: RangeFilter; readonly position: Revision; readonly next: LogIndex },
  ) {
    this.request = request;
    this.sink = sink;
    this.filter = start.filter;
    this.position = start.position;
    this.next = start.next;
    this.credit = request.credit;
    this.isShadow = request.credit === 0;
    this.#told = start.position;
  }

  /** Before it was told of anything. */
  startAt({ position, next }: { readonly position: Revision; readonly next: LogIndex }): void {
    this.position = position;
    this.next = next;
    this.#told = position;
  }

  /**
   * Hands over what the entries from `next` on hold for it, as long as there is credit and room. Throws
   * HOLDFAST_PREVIOUS_VALUE_UNKNOWN, after all before that event was handed over. Returns the number of events.
   */
  tell(entryAt: (index: LogIndex) => RecentEntry | undefined, last: LogIndex): number {
    const message = new Message();
    let count = 0;
    try {
      while (this.credit > 0 && this.next <= last) {
        const recent = entryAt(this.next);
        if (recent === undefined) break;
        if (message.isFull || !message.fits(recent.entry.term)) {
          this.#send(message);
          if (!this.sink.hasRoom) break;
        }
        count += this.#take(recent, message);
      }
    } finally {
      this.#send(message);
    }
    return count;
  }

  /** The log holds nothing more for it: `revision` is where it stands. */
  mark(revision: Revision, term: Term): void {
    if (revision > this.position) this.position = revision;
    if (this.position === this.#told) return;
    this.#told = this.position;
    this.sink.onEvents({ term, events: [], revision: this.position }, 0);
  }

  /** Goes on to the next entry unless it has to stop in the middle of this one. */
  #take({ entry, previous }: RecentEntry, message: Message): number {
    let count = 0;
    for (const match of this.filter.matchesOf(entry)) {
      if (match.revision <= this.position) continue;
      if (this.credit <= 0 || message.isFull) return count;
      const event = this.#eventOf(match, previous?.values);
      const bytes = watchEventBytes(event);
      message.add(event, bytes, entry.term);
      this.credit -= bytes;
      this.position = match.revision;
      count += 1;
    }
    this.position = newest(this.position, entry);
    this.next = (this.next + 1) as LogIndex;
    return count;
  }

  #eventOf(
    { mutation, revision, endsWrite }: Match,
    values: ReadonlyMap<Revision, Uint8Array | null> | undefined,
  ): WatchEvent {
    const { key } = mutation;
    const head = this.request.previousValues
      ? { key, revision, endsWrite, previous: knownPrevious(values?.get(revision), revision) }
      : { key, revision, endsWrite };
    return mutation.kind === 'put'
      ? { kind: 'put', ...head, value: mutation.value }
      : { kind: 'del', ...head };
  }

  #send(message: Message): void {
    if (message.events.length === 0) return;
    const { events, bytes, term } = message.take();
    this.#told = this.position;
    this.sink.onEvents({ term, events, revision: this.position }, bytes);
  }
}

/** Events of one term, on their way into one message. */
class Message {
  events: WatchEvent[] = [];
  #bytes = 0;
  #term = 0 as Term;

  get isFull(): boolean {
    return this.#bytes >= MESSAGE_BYTES;
  }

  fits(term: Term): boolean {
    return this.events.length === 0 || this.#term === term;
  }

  add(event: WatchEvent, bytes: number, term: Term): void {
    this.events.push(event);
    this.#bytes += bytes;
    this.#term = term;
  }

  take(): { readonly events: readonly WatchEvent[]; readonly bytes: number; readonly term: Term } {
    const taken = { events: this.events, bytes: this.#bytes, term: this.#term };
    this.events = [];
    this.#bytes = 0;
    return taken;
  }
}

function newest(position: Revision, entry: Entry): Revision {
  return Math.max(position, lastRevisionOf(entry)) as Revision;
}

function knownPrevious(value: Uint8Array | null | undefined, revision: Revision): Uint8Array | null {
  if (value !== undefined) return value;
  throw new HoldfastError(
    'HOLDFAST_PREVIOUS_VALUE_UNKNOWN',
    `what the key held before revision ${revision} is not known any more`,
    { detail: revision },
  );
}
