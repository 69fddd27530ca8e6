import { LIMITS, type RequestTrace, type Traceparent } from '@holdfast/types';
import { count, text } from './fields.ts';
import { invalid } from './invalid.ts';
import type { Packable } from './message-pack.ts';

/** The parts of a W3C traceparent, https://www.w3.org/TR/trace-context/#traceparent-header */
export interface TraceparentParts {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string;
  /** One byte; the lowest bit: sampled. */
  readonly traceFlags: number;
}

const PATTERN = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function formatTraceparent({ traceId, spanId, traceFlags }: TraceparentParts): Traceparent {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Of one that came through a decoder. */
export function parseTraceparent(traceparent: Traceparent): TraceparentParts {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
  };
}

/** Flat: id, traceparent, id, traceparent, … */
export function packTraces(code: number, traces: readonly RequestTrace[]): Packable[] {
  const packed: Packable[] = [code];
  for (const { id, traceparent } of traces) packed.push(id, traceparent);
  return packed;
}

/**
 * A text that is no traceparent, or one of a later version, is left out, as W3C asks: a trace that breaks off must not
 * be what a request fails for.
 */
export function readTraces(packed: readonly unknown[]): RequestTrace[] {
  if (packed.length > 1 + 2 * LIMITS.requestsPerFrameMax) throw invalid('traces', 'too many');
  if (packed.length % 2 === 0) throw invalid('traces', 'the last one is not whole');
  const traces: RequestTrace[] = [];
  for (let place = 1; place < packed.length; place += 2) {
    const id = count(packed[place], 'traces.id');
    const traceparent = text(packed[place + 1], 'traces.traceparent');
    if (PATTERN.test(traceparent)) traces.push({ id, traceparent });
  }
  return traces;
}
