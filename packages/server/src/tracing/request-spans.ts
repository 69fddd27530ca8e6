import {
  assertNever,
  type ClientMessage,
  type NodeId,
  type RequestTrace,
  type ServerMessage,
  type Traceparent,
  type WireError,
  type WriteReceipt,
} from '@holdfast/types';
import type { LogTraces, TracedWrite } from './log-traces.ts';
import { contextOf, Span, SpanKind } from './spans.ts';

interface OpenRequest {
  readonly span: Span;
  readonly write: TracedWrite | undefined;
}

/** The server spans of one connection: of its sampled requests, from arrival to answer. Made for the first of them. */
export class RequestSpans {
  readonly #node: NodeId;
  /** Of requests that are to come in the same frame. */
  readonly #expected = new Map<number, Traceparent>();
  readonly #open = new Map<number, OpenRequest>();

  constructor(node: NodeId) {
    this.#node = node;
  }

  expect(traces: readonly RequestTrace[]): void {
    for (const { id, traceparent } of traces) this.#expected.set(id, traceparent);
  }

  /** Begins the spans of what of it was announced, before it is looked at; ends those of what is not wanted any more. */
  arrived(message: ClientMessage, traces: LogTraces): void {
    if (this.#open.size > 0) this.#cancelled(message);
    if (this.#expected.size === 0) return;
    switch (message.kind) {
      case 'write':
        for (const { id, sequence } of message.requests) {
          this.#begin(id, 'holdfast.write', (span) => traces.begin(message.session, sequence, span));
        }
        return;
      case 'read':
        for (const { id } of message.reads) this.#begin(id, 'holdfast.read');
        return;
      case 'snapshotRead':
        this.#begin(message.id, 'holdfast.read');
        return;
      case 'scanOpen':
      case 'scanNext':
        this.#begin(message.id, 'holdfast.scan');
        return;
      case 'snapshotOpen':
        this.#begin(message.id, 'holdfast.snapshot');
        return;
      case 'watchOpen':
        this.#begin(message.id, 'holdfast.watch');
        return;
      case 'hello':
      case 'openSession':
      case 'closeSession':
      case 'scanClose':
      case 'snapshotClose':
      case 'watchCredit':
      case 'watchClose':
      case 'ping':
      case 'trace':
        return;
      default:
        assertNever(message);
    }
  }

  /** What was announced and did not come is forgotten. */
  frameEnded(): void {
    this.#expected.clear();
  }

  /** What answers neither a write nor a read of keys. */
  said(message: ServerMessage): void {
    switch (message.kind) {
      case 'failed':
        this.answered(message.id, message.error);
        return;
      case 'snapshotOpened':
      case 'watchOpened':
      case 'scanPage':
        this.answered(message.id);
        return;
      default:
        // It answers nothing that has a span, or not for good.
        return;
    }
  }

  answered(id: number, error?: WireError): void {
    const request = this.#take(id);
    if (request === undefined) return;
    if (error !== undefined) request.span.fail(error);
    request.span.end();
  }

  acknowledged(id: number, { index, term, ack, copies, repeated }: WriteReceipt): void {
    const request = this.#take(id);
    request?.span.set({
      'holdfast.index': index,
      'holdfast.term': term,
      'holdfast.ack.reached': ack,
      'holdfast.copies': copies,
      'holdfast.repeated': repeated,
    });
    request?.span.end();
  }

  /** The client is gone: nothing is answered any more. */
  closed(): void {
    for (const { span, write } of this.#open.values()) {
      write?.end();
      span.note('holdfast.disconnected');
      span.end();
    }
    this.#open.clear();
  }

  /** Nothing answers what was not begun when it is closed. */
  #cancelled(message: ClientMessage): void {
    switch (message.kind) {
      case 'scanClose':
        this.#cancel(message.scan);
        return;
      case 'snapshotClose':
        this.#cancel(message.snapshot);
        return;
      case 'watchClose':
        this.#cancel(message.watch);
        return;
      default:
        return;
    }
  }

  #cancel(id: number): void {
    const request = this.#take(id);
    request?.span.note('holdfast.cancelled');
    request?.span.end();
  }

  #begin(id: number, name: string, follow?: (span: Span) => TracedWrite | undefined): void {
    const traceparent = this.#expected.get(id);
    // An id that is still open is refused by whoever looks at the request.
    if (traceparent === undefined || this.#open.has(id)) return;
    this.#expected.delete(id);
    const span = new Span(name, {
      kind: SpanKind.SERVER,
      attributes: { 'db.system.name': 'holdfast', 'holdfast.node': this.#node },
      parent: contextOf(traceparent),
    });
    this.#open.set(id, { span, write: follow?.(span) });
  }

  #take(id: number): OpenRequest | undefined {
    const request = this.#open.get(id);
    if (request === undefined) return undefined;
    this.#open.delete(id);
    request.write?.end();
    return request;
  }
}
