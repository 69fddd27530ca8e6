import type { Traceparent, WireError } from '@holdfast/types';
import { formatTraceparent, parseTraceparent } from '@holdfast/wire';
import {
  type Span as ApiSpan,
  type Attributes,
  type Context,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

export { type Attributes, type Context, SpanKind };

/** Asked for only when a request is sampled. Without an SDK in this process its spans record nothing, and pass on. */
let tracer: Tracer | undefined;

/**
 * A span that harms nobody: a processor of an application's own may throw, and must not do so where a request is
 * answered, or an entry logged, which would end the node. What it throws goes to OpenTelemetry's own log.
 */
export class Span {
  /** Undefined: not even begun. */
  readonly #span: ApiSpan | undefined;

  constructor(
    name: string,
    options: { readonly kind?: SpanKind; readonly attributes: Attributes; readonly parent: Context },
  ) {
    const { parent, ...rest } = options;
    this.#span = unharmed('start', () => {
      tracer ??= trace.getTracer('@holdfast/server');
      return tracer.startSpan(name, rest, parent);
    });
  }

  /** As a parent of spans here. */
  get context(): Context {
    return this.#span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, this.#span);
  }

  /** The trace is to go on elsewhere. */
  get isSampled(): boolean {
    const flags = unharmed('context', () => this.#span?.spanContext().traceFlags) ?? 0;
    return (flags & TraceFlags.SAMPLED) !== 0;
  }

  get traceparent(): Traceparent | undefined {
    const span = this.#span;
    return span && unharmed('context', () => formatTraceparent(span.spanContext()));
  }

  set(attributes: Attributes): void {
    unharmed('attributes', () => this.#span?.setAttributes(attributes));
  }

  note(event: string): void {
    unharmed('event', () => this.#span?.addEvent(event));
  }

  fail({ code, message }: Pick<WireError, 'code' | 'message'>): void {
    unharmed('failure', () => {
      this.#span?.setStatus({ code: SpanStatusCode.ERROR, message });
      this.#span?.setAttribute('error.type', code);
    });
  }

  end(): void {
    unharmed('end', () => this.#span?.end());
  }
}

/** Of a span elsewhere, as a parent of spans here. */
export function contextOf(traceparent: Traceparent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { ...parseTraceparent(traceparent), isRemote: true });
}

function unharmed<Made>(what: string, tell: () => Made): Made | undefined {
  try {
    return tell();
  } catch (error) {
    diag.error(`@holdfast/server: the ${what} of a span was not taken`, error);
    return undefined;
  }
}
