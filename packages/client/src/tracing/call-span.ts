import type { HoldfastError, Traceparent, WriteReceipt } from '@holdfast/types';
import { formatTraceparent } from '@holdfast/wire';
import {
  type Attributes,
  diag,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import {
  type AnyCall,
  type CallTrace,
  type LinkId,
  NO_LINK,
  type Page,
  type Repeat,
  type ServedAnswer,
  type SnapshotHome,
} from '../session/call.ts';
import { operationOf } from './operation-of.ts';
import { runningTracer } from './running-tracer.ts';

/** Where calls go to, as their spans tell it. */
export interface CallTarget {
  readonly database: string;
  readonly namespace: string | undefined;
  /** `ws://host:port` of the node behind a link; undefined once it is gone. */
  urlOf(link: LinkId): string | undefined;
}

type CallResult = WriteReceipt | ServedAnswer | Page | SnapshotHome;

/**
 * The span of one call, from issue to settlement: a database client span in the words of OpenTelemetry's semantic
 * conventions, with `holdfast.*` for what they have no word for. Neither keys nor values are told.
 */
export class CallSpan implements CallTrace {
  readonly traceparent: Traceparent | undefined;
  readonly #span: Span;
  readonly #call: AnyCall;
  readonly #target: CallTarget;
  #link: LinkId = NO_LINK;

  private constructor(span: Span, call: AnyCall, target: CallTarget) {
    this.#span = span;
    this.#call = call;
    this.#target = target;
    const context = span.spanContext();
    // What is only recorded here is not to be recorded there: nodes have no use for it.
    if ((context.traceFlags & TraceFlags.SAMPLED) !== 0) this.traceparent = formatTraceparent(context);
  }

  /** A child of the span that is active where the call is made. Undefined if nobody records: that costs nothing. */
  static start(call: AnyCall, target: CallTarget): CallSpan | undefined {
    const tracer = runningTracer();
    return tracer === undefined
      ? undefined
      : unharmed('start', () => CallSpan.#startWith(tracer, call, target));
  }

  sent(link: LinkId, repeat: Repeat | undefined): void {
    this.#link = link;
    if (repeat !== undefined) unharmed('event', () => this.#repeated(link, repeat));
  }

  decided(): void {
    unharmed('attributes', () => this.#span.setAttributes(askedFor(this.#call)));
  }

  ended(error: HoldfastError | undefined, result: unknown): void {
    unharmed('end', () => this.#end(error, result));
  }

  #repeated(link: LinkId, repeat: Repeat): void {
    const { attempts, refusal } = this.#call;
    this.#span.addEvent(`holdfast.${repeat}`, {
      'holdfast.attempt': attempts,
      ...addressOf(this.#target.urlOf(link)),
      ...(refusal === undefined ? {} : { 'holdfast.refusal': refusal.code }),
    });
  }

  #end(error: HoldfastError | undefined, result: unknown): void {
    const span = this.#span;
    span.setAttribute('holdfast.attempts', this.#call.attempts);
    span.setAttributes(addressOf(this.#target.urlOf(this.#link)));
    if (error === undefined) {
      // What a call comes to is of its kind.
      span.setAttributes(attributesOf(result as CallResult));
    } else {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      span.setAttributes({ 'error.type': error.code, 'db.response.status_code': error.code });
    }
    if (this.#call.kind === 'write') span.setAttribute('holdfast.outcome', error?.outcome ?? 'applied');
    span.end();
  }

  static #startWith(tracer: Tracer, call: AnyCall, target: CallTarget): CallSpan | undefined {
    const { database, namespace } = target;
    const operation = operationOf(call);
    const span = tracer.startSpan(`${operation} ${namespace ?? database}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'holdfast',
        'db.namespace': database,
        ...(namespace === undefined ? {} : { 'db.collection.name': namespace }),
        'db.operation.name': operation,
        ...askedFor(call),
      },
    });
    if (span.isRecording()) return new CallSpan(span, call, target);
    span.end();
    return undefined;
  }
}

/** A processor of an application's own may throw, and must not do so in the middle of what the client is doing. */
function unharmed<Made>(what: string, tell: () => Made): Made | undefined {
  try {
    return tell();
  } catch (error) {
    diag.error(`@holdfast/client: the ${what} of a span was not taken`, error);
    return undefined;
  }
}

function askedFor(call: AnyCall): Attributes {
  switch (call.kind) {
    case 'write': {
      const size = call.operations.length;
      return { 'holdfast.ack': call.ack, ...(size > 1 ? { 'db.operation.batch.size': size } : {}) };
    }
    case 'read': {
      const size = call.keys.length;
      return {
        'holdfast.consistency': call.consistency,
        ...(size > 1 ? { 'db.operation.batch.size': size } : {}),
      };
    }
    case 'scan':
    case 'snapshot':
    case 'watch':
      return { 'holdfast.consistency': call.consistency };
    case 'bound':
      return {};
  }
}

function attributesOf(result: CallResult): Attributes {
  if ('result' in result) {
    const { ack, repeated } = result;
    return {
      'holdfast.revision': result.result.revision,
      'holdfast.ack.reached': ack,
      'holdfast.repeated': repeated,
    };
  }
  if ('answer' in result) return { 'holdfast.revision': result.answer.revision };
  if ('message' in result) {
    const { revision, records } = result.message;
    return { 'holdfast.revision': revision, 'db.response.returned_rows': records.length / 2 };
  }
  return {};
}

/** What a node says of where it is reached need not be an address. */
function addressOf(url: string | undefined): Attributes {
  if (url === undefined || !URL.canParse(url)) return {};
  const { hostname, port } = new URL(url);
  return { 'server.address': hostname, ...(port === '' ? {} : { 'server.port': Number(port) }) };
}
