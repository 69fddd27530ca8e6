import { ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api';

const NAME = '@holdfast/client';

let found: Tracer | undefined;

/**
 * The tracer of the SDK that the application has set up, also if it does so late. Undefined: there is none. Asked with
 * every call, so that it must cost next to nothing then: a tracer of the API alone would make a span for nobody.
 */
export function runningTracer(): Tracer | undefined {
  found ??= find();
  return found;
}

function find(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Without an SDK it stands for one that may come, and has nobody behind it.
  if (provider instanceof ProxyTracerProvider) return provider.getDelegateTracer(NAME);
  return provider.getTracer(NAME);
}
