import type { PersistOrder } from '@holdfast/core';
import type { Entry, EntryTrace, LogIndex, NodeId, SessionId, Ticket, Traceparent } from '@holdfast/types';
import { type Context, contextOf, Span, SpanKind } from './spans.ts';

/** Entries announced by a primary and not logged here yet; older ones were in the log already. */
const EXPECTED_MAX = 1024;
/** Requests of one entry whose traces go on to the standbys: an entry may hold thousands. */
const PER_ENTRY_MAX = 16;

interface Logging {
  readonly ticket: Ticket;
  readonly span: Span;
}

/** A sampled write on its way through this node: it waits, is logged and synced, and meanwhile replicated. */
export class TracedWrite {
  readonly key: string;
  readonly #parent: Context;
  readonly #node: NodeId;
  readonly #onEnd: (write: TracedWrite) => void;
  #queue: Span | undefined;
  #replicate: Span | undefined;
  /** Absent until it is logged. */
  index: LogIndex | undefined;

  constructor(options: { key: string; parent: Context; node: NodeId; onEnd: (write: TracedWrite) => void }) {
    this.key = options.key;
    this.#parent = options.parent;
    this.#node = options.node;
    this.#onEnd = options.onEnd;
    this.#queue = this.#start('holdfast.queue', {});
  }

  /** Returns the span of logging: log and standbys have it at the same time. */
  logged({ index, term }: Entry): Span {
    this.index = index;
    this.#queue?.end();
    this.#queue = undefined;
    const attributes = { 'holdfast.index': index, 'holdfast.term': term };
    this.#replicate = this.#start('holdfast.replicate', attributes, SpanKind.PRODUCER);
    return this.#start('holdfast.log', attributes);
  }

  /** For the standbys. */
  get traceparent(): Traceparent | undefined {
    return this.#replicate?.traceparent;
  }

  /** It is answered, or nobody waits for it any more. */
  end(): void {
    this.#queue?.end();
    this.#replicate?.end();
    this.#onEnd(this);
  }

  #start(name: string, attributes: Record<string, number>, kind?: SpanKind): Span {
    return new Span(name, {
      ...(kind === undefined ? {} : { kind }),
      attributes: { 'holdfast.node': this.#node, ...attributes },
      parent: this.#parent,
    });
  }
}

/**
 * What the log of one database has to do with sampled requests: spans of the writes that it waits for, and on a standby
 * of the entries that hold one. Empty as a rule, and then asked nothing but its size, once a batch.
 */
export class LogTraces {
  readonly #node: NodeId;
  /** Not logged yet, by session and sequence. */
  readonly #waiting = new Map<string, TracedWrite>();
  /** Logged and not answered yet. */
  readonly #logged = new Map<LogIndex, TracedWrite[]>();
  readonly #expected = new Map<LogIndex, Traceparent[]>();
  /** By ticket, growing. */
  #logging: Logging[] = [];

  constructor(node: NodeId) {
    this.#node = node;
  }

  /** Undefined: the trace ends here, or the same write is followed already. */
  begin(session: SessionId, sequence: number, request: Span): TracedWrite | undefined {
    const key = keyOf(session, sequence);
    if (!request.isSampled || this.#waiting.has(key)) return undefined;
    const onEnd = (ended: TracedWrite): void => this.#forget(ended);
    const write = new TracedWrite({ key, parent: request.context, node: this.#node, onEnd });
    this.#waiting.set(key, write);
    return write;
  }

  /** A primary is about to send these. */
  expect(traces: readonly EntryTrace[]): void {
    for (const { index, traceparent } of traces) {
      const others = this.#expected.get(index);
      if (others === undefined) this.#expected.set(index, [traceparent]);
      else if (others.length < PER_ENTRY_MAX) others.push(traceparent);
    }
    for (const index of this.#expected.keys()) {
      if (this.#expected.size <= EXPECTED_MAX) return;
      this.#expected.delete(index);
    }
  }

  logging({ ticket, record }: PersistOrder): void {
    if (this.#waiting.size === 0 && this.#expected.size === 0) return;
    if (record.kind !== 'entries') return;
    for (const entry of record.entries) {
      if (this.#waiting.size > 0) this.#logWrites(entry, ticket);
      this.#logExpected(entry, ticket);
    }
  }

  synced(ticket: Ticket): void {
    if (this.#logging.length === 0) return;
    for (const logging of this.#logging) if (logging.ticket <= ticket) logging.span.end();
    this.#logging = this.#logging.filter((logging) => logging.ticket > ticket);
  }

  /** Of those among them that hold a sampled write. Undefined: none does. */
  of(entries: readonly Entry[]): readonly EntryTrace[] | undefined {
    if (this.#logged.size === 0) return undefined;
    const traces: EntryTrace[] = [];
    for (const { index } of entries) {
      for (const { traceparent } of this.#logged.get(index)?.slice(0, PER_ENTRY_MAX) ?? []) {
        if (traceparent !== undefined) traces.push({ index, traceparent });
      }
    }
    return traces.length === 0 ? undefined : traces;
  }

  #logWrites(entry: Entry, ticket: Ticket): void {
    if (entry.body.kind !== 'requests') return;
    for (const request of entry.body.requests) {
      const key = request.kind === 'write' ? keyOf(request.session, request.sequence) : '';
      const write = this.#waiting.get(key);
      if (write === undefined) continue;
      this.#waiting.delete(key);
      this.#logging.push({ ticket, span: write.logged(entry) });
      this.#addLogged(entry.index, write);
    }
  }

  #logExpected({ index, term }: Entry, ticket: Ticket): void {
    for (const traceparent of this.#expected.get(index) ?? []) {
      const span = new Span('holdfast.append', {
        kind: SpanKind.CONSUMER,
        attributes: { 'holdfast.node': this.#node, 'holdfast.index': index, 'holdfast.term': term },
        parent: contextOf(traceparent),
      });
      this.#logging.push({ ticket, span });
    }
    this.#expected.delete(index);
  }

  #addLogged(index: LogIndex, write: TracedWrite): void {
    const others = this.#logged.get(index);
    if (others === undefined) this.#logged.set(index, [write]);
    else others.push(write);
  }

  #forget(write: TracedWrite): void {
    if (this.#waiting.get(write.key) === write) this.#waiting.delete(write.key);
    if (write.index === undefined) return;
    const others = this.#logged.get(write.index)?.filter((other) => other !== write) ?? [];
    if (others.length === 0) this.#logged.delete(write.index);
    else this.#logged.set(write.index, others);
  }
}

function keyOf(session: SessionId, sequence: number): string {
  return `${session}/${sequence}`;
}
