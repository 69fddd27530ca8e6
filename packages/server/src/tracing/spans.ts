import type { Traceparent, WireError } from '@holdfast/types';
import { formatTraceparent, parseTraceparent } from '@holdfast/wire';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

export { type Attributes, type Context, type Span, SpanKind };

/** Asked for only when a request is sampled. Without an SDK in this process its spans record nothing, and pass on. */
let tracer: Tracer | undefined;

export function startSpan(
  name: string,
  options: { readonly kind?: SpanKind; readonly attributes: Attributes; readonly parent: Context },
): Span {
  tracer ??= trace.getTracer('@holdfast/server');
  const { parent, ...rest } = options;
  return tracer.startSpan(name, rest, parent);
}

/** As a parent of spans here. */
export function contextOf(traceparent: Traceparent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { ...parseTraceparent(traceparent), isRemote: true });
}

export function contextIn(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}

/** The trace is to go on elsewhere. */
export function isSampled(context: SpanContext): boolean {
  return (context.traceFlags & TraceFlags.SAMPLED) !== 0;
}

export function traceparentOf(span: Span): Traceparent {
  return formatTraceparent(span.spanContext());
}

export function failSpan(span: Span, { code, message }: Pick<WireError, 'code' | 'message'>): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.setAttribute('error.type', code);
}
