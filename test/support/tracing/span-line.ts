import type { Attributes } from '@opentelemetry/api';

/** A span that a node has recorded. */
export interface SpanLine {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Attributes;
}
