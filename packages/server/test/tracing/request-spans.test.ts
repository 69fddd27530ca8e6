import type { ClientMessage, NodeId, Revision, Traceparent } from '@holdfast/types';
import { type Span, type Tracer, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogTraces } from '../../src/tracing/log-traces.ts';
import { RequestSpans } from '../../src/tracing/request-spans.ts';

const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` as Traceparent;
const STATE = { consistency: 'linearizable', remainingMs: 1000, token: 0 as Revision } as const;
const NODE = 'n1' as NodeId;

let open: Set<string>;
let events: string[];

beforeEach(() => {
  open = new Set();
  events = [];
  const startSpan = (name: string): Span => {
    open.add(name);
    const span = {
      addEvent: (event: string) => events.push(`${name} ${event}`),
      end: () => open.delete(name),
    };
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as unknown as Tracer });
});

afterEach(() => trace.disable());

const ABANDONED: readonly (readonly [name: string, asked: ClientMessage, closed: ClientMessage])[] = [
  [
    'holdfast.scan',
    {
      kind: 'scanOpen',
      id: 7,
      ...STATE,
      range: { reverse: false, limit: -1, keys: true, values: true },
      pageSize: 1,
    },
    { kind: 'scanClose', scan: 7 },
  ],
  ['holdfast.snapshot', { kind: 'snapshotOpen', id: 7, ...STATE }, { kind: 'snapshotClose', snapshot: 7 }],
  [
    'holdfast.watch',
    { kind: 'watchOpen', id: 7, ...STATE, range: {}, previousValues: false, credit: 1 },
    { kind: 'watchClose', watch: 7 },
  ],
];

test.each(ABANDONED)('%s that is closed before it was answered ends', (name, asked, closed) => {
  const traces = new LogTraces(NODE);
  const spans = new RequestSpans(NODE);
  spans.expect([{ id: 7, traceparent: TRACEPARENT }]);
  spans.arrived(asked, traces);
  spans.frameEnded();
  expect([...open]).toStrictEqual([name]);
  spans.arrived({ kind: 'ping', id: 8 }, traces);
  expect([...open]).toStrictEqual([name]);
  spans.arrived(closed, traces);
  expect([...open]).toStrictEqual([]);
  expect(events).toStrictEqual([`${name} holdfast.cancelled`]);
});
