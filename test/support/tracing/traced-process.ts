// Loaded before a node's program, as an operator would load an SDK: writes its spans to the file SPANS_FILE, one a line.
import { appendFileSync } from 'node:fs';
import { trace } from '@opentelemetry/api';
import { type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanLine } from './span-line.ts';

const file = process.env.SPANS_FILE ?? '';

function lineOf(span: ReadableSpan): SpanLine {
  const { traceId, spanId } = span.spanContext();
  const { name, attributes, parentSpanContext } = span;
  return { name, traceId, spanId, parentSpanId: parentSpanContext?.spanId, attributes };
}

const exporter = {
  export(spans: readonly ReadableSpan[], done: (result: { code: number }) => void): void {
    appendFileSync(file, spans.map((span) => `${JSON.stringify(lineOf(span))}\n`).join(''));
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};

trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);
