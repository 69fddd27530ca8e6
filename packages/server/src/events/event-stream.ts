import type { Clock, Timer } from '@holdfast/types';
import type { EventRing, NodeEvent } from './event-ring.ts';

/** A reader that lets so much pile up is dropped. */
const UNSENT_BYTES_MAX = 1_048_576;
/** A comment this often shows both sides that the other is there. */
const HEARTBEAT_MS = 15_000;

/** Where a stream goes: an HTTP response, in tests an array. */
export interface EventSink {
  write(text: string): void;
  /** Given to `write` and not yet sent. */
  readonly unsentBytes: number;
  end(): void;
  /** Cuts at once. */
  destroy(): void;
}

export interface EventStreamOptions {
  readonly ring: EventRing;
  readonly clock: Clock;
  /** Names this run of the node: ids start anew with every run. */
  readonly boot: string;
  readonly sink: EventSink;
  /** `Last-Event-ID` or `?after=`: `<boot>:<id>`, or a bare id of this run. */
  readonly after: string | undefined;
  /** False: ends after what the ring holds. */
  readonly follow: boolean;
}

/**
 * Sends what the ring holds above `after`, then every new event, as server-sent events. `id` is `<boot>:<id>`; a
 * reader that comes with an id of an earlier run gets all of this one. Events that fell out of the ring before they
 * could be sent are said to be missing by an event of type `missed`.
 */
export class EventStream {
  readonly #options: EventStreamOptions;
  #subscription: { cancel(): void } | undefined;
  #heartbeat: Timer | undefined;

  /** Undefined when too many are reading already: nothing was sent. */
  static open(options: EventStreamOptions): EventStream | undefined {
    const stream = new EventStream(options);
    return stream.#start() ? stream : undefined;
  }

  private constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** Also to be called when the reader has gone. */
  close(): void {
    this.#subscription?.cancel();
    this.#subscription = undefined;
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
  }

  #start(): boolean {
    const { ring, sink, follow } = this.#options;
    if (follow) {
      this.#subscription = ring.subscribe((event) => this.#send(event));
      if (this.#subscription === undefined) return false;
      this.#beatLater();
    }
    // Nothing is recorded between these two in one turn: no event is lost or sent twice.
    this.#sendBacklog();
    if (!follow) sink.end();
    return true;
  }

  #sendBacklog(): void {
    const { ring, sink, boot } = this.#options;
    const after = this.#afterId();
    const events = ring.after(after);
    const missed = (events[0]?.id ?? after + 1) - after - 1;
    sink.write(': holdfast events\n\n');
    if (missed > 0) sink.write(`event: missed\ndata: ${JSON.stringify({ missed })}\n\n`);
    // In one piece: a full ring does not make a reader slow.
    sink.write(events.map((event) => format(event, boot)).join(''));
  }

  #afterId(): number {
    const { after, boot, ring } = this.#options;
    const match = /^(?:([0-9a-f]+):)?(\d{1,15})$/.exec(after ?? '');
    if (match === null || (match[1] !== undefined && match[1] !== boot)) return 0;
    const id = Number(match[2]);
    return id > ring.lastId ? 0 : id;
  }

  #send(event: NodeEvent): void {
    const { sink, boot } = this.#options;
    if (this.#isTooSlow()) return;
    sink.write(format(event, boot));
  }

  #isTooSlow(): boolean {
    const { sink } = this.#options;
    if (sink.unsentBytes <= UNSENT_BYTES_MAX) return false;
    this.close();
    sink.destroy();
    return true;
  }

  #beatLater(): void {
    const beat = (): void => {
      if (this.#isTooSlow()) return;
      this.#options.sink.write(': still here\n\n');
      this.#beatLater();
    };
    this.#heartbeat = this.#options.clock.setTimer(HEARTBEAT_MS, beat, { background: true });
  }
}

function format(event: NodeEvent, boot: string): string {
  return `id: ${boot}:${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
