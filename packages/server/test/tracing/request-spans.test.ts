import type { PersistOrder } from '@holdfast/core';
import type {
  ClientMessage,
  NodeId,
  Revision,
  SessionId,
  Ticket,
  Traceparent,
  WriteReceipt,
} from '@holdfast/types';
import { diag, type Span, type Tracer, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogTraces } from '../../src/tracing/log-traces.ts';
import { RequestSpans } from '../../src/tracing/request-spans.ts';

const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` as Traceparent;
const STATE = { consistency: 'linearizable', remainingMs: 1000, token: 0 as Revision } as const;
const NODE = 'n1' as NodeId;

let open: Set<string>;
let events: string[];
/** What the tracer, which is asked for once, makes. */
let made: (name: string) => Span;

beforeEach(() => {
  open = new Set();
  events = [];
  made = (name) => {
    open.add(name);
    const span = {
      addEvent: (event: string) => events.push(`${name} ${event}`),
      end: () => open.delete(name),
    };
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({
    getTracer: () => ({ startSpan: (name: string) => made(name) }) as unknown as Tracer,
  });
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

const SESSION = 's.1.1' as SessionId;
const WRITE = { kind: 'write', session: SESSION, requests: [{ id: 7, sequence: 1 }] };
const LOGGED = {
  ticket: 1,
  record: {
    kind: 'entries',
    entries: [
      {
        index: 1,
        term: 1,
        body: { kind: 'requests', requests: [{ kind: 'write', session: SESSION, sequence: 1 }] },
      },
    ],
  },
};

test.each([
  ['start', 2],
  ['end', 4],
])('a processor that throws at the %s of a span harms neither requests nor the log', (when, times) => {
  const thrown: unknown[] = [];
  const broken = (): never => {
    throw new Error('broken');
  };
  const span = {
    spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }),
    setAttributes: () => {},
    end: broken,
  };
  made = (name) => (when === 'start' && name !== 'holdfast.write' ? broken() : (span as unknown as Span));
  const nothing = (): void => {};
  diag.setLogger({
    error: (_message, error) => thrown.push(error),
    warn: nothing,
    info: nothing,
    debug: nothing,
    verbose: nothing,
  });
  const traces = new LogTraces(NODE);
  const spans = new RequestSpans(NODE);
  spans.expect([{ id: 7, traceparent: TRACEPARENT }]);
  spans.arrived(WRITE as unknown as ClientMessage, traces);
  traces.logging(LOGGED as unknown as PersistOrder);
  traces.synced(1 as Ticket);
  spans.acknowledged(7, {} as WriteReceipt);
  diag.disable();
  expect(thrown.length).toBeGreaterThanOrEqual(times);
});
