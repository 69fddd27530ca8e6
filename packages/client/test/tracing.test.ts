import { encodeServerMessages } from '@holdfast/wire';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { World } from './support/world.ts';

const exporter = new InMemorySpanExporter();
/** Where a processor of the application's own throws, if it does. */
let throwsIn: 'onStart' | 'onEnd' | undefined;
const ownProcessor = {
  onStart: () => throwIf('onStart'),
  onEnd: () => throwIf('onEnd'),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};
const provider = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter }), ownProcessor],
});
const UNSAMPLED = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 0,
});

let world: World;

beforeEach(async () => {
  world = await World.start();
});

afterEach(() => {
  throwsIn = undefined;
  world.kill('app');
  exporter.reset();
});

afterAll(() => {
  trace.disable();
  context.disable();
});

function throwIf(where: typeof throwsIn): void {
  if (throwsIn === where) throw new Error('a processor that is not sound');
}

/** Frames that carry traces, over all nodes. */
function tracesReceived(): readonly { readonly id: number; readonly traceparent: string }[] {
  const messages = world.cluster.nodes.flatMap(({ received }) => received);
  return messages.flatMap((message) => (message.kind === 'trace' ? message.traces : []));
}

function spans(): ReadableSpan[] {
  return exporter.getFinishedSpans();
}

/** Runs it as what an application does within a span of its own. */
async function traced<Result>(work: () => Promise<Result>): Promise<string> {
  const parent = provider.getTracer('test').startSpan('application');
  await world.drive(context.with(trace.setSpan(ROOT_CONTEXT, parent), work));
  return parent.spanContext().spanId;
}

// First: without one nothing may be noticed, and there is no way back.
test('without an SDK nothing is sent', async () => {
  const db = await world.opened();
  await world.drive(db.put('a', '1'));
  await world.drive(db.get('a'));
  expect(tracesReceived()).toEqual([]);
});

describe('with an SDK', () => {
  beforeEach(() => {
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });

  test('a call is a client span of the active one, and says where it went and what it came to', async () => {
    const db = await world.opened({ namespace: 'orders' });
    const application = await traced(() => db.put('a', '1'));
    const [span] = spans();
    expect(span).toMatchObject({
      name: 'put orders',
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId: application },
      attributes: {
        'db.system.name': 'holdfast',
        'db.namespace': 'default',
        'db.collection.name': 'orders',
        'db.operation.name': 'put',
        'server.address': 'n1',
        'server.port': 7100,
        'holdfast.ack': 'quorum',
        'holdfast.ack.reached': 'quorum',
        'holdfast.attempts': 1,
        'holdfast.outcome': 'applied',
        'holdfast.repeated': false,
        'holdfast.revision': db.token(),
      },
      events: [],
    });
    const { traceId, spanId } = span!.spanContext();
    const [travelled, ...others] = tracesReceived();
    expect(travelled?.traceparent).toBe(`00-${traceId}-${spanId}-01`);
    expect(others).toEqual([]);
    expect(JSON.stringify(span!.attributes)).not.toContain('"a"');
  });

  test('calls are named as the methods are, and many of one turn travel in one frame', async () => {
    const db = await world.opened();
    const frames = world.cluster.nodes[0]!.frames;
    await traced(() =>
      Promise.all([
        db.get('a'),
        db.getMany(['a', 'b']),
        db.put('a', '1'),
        db.del('a'),
        db.batch([
          { type: 'put', key: 'a', value: '1' },
          { type: 'del', key: 'b' },
        ]),
        db.increment('n'),
        db.transaction({ then: [{ type: 'get', key: 'a' }] }),
      ]),
    );
    // One to open the session, and one or two of calls.
    expect(world.cluster.nodes[0]!.frames - frames).toBeLessThanOrEqual(3);
    expect(
      spans()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(
      ['get', 'getMany', 'put', 'del', 'batch', 'increment', 'transaction']
        .map((name) => `${name} default`)
        .sort(),
    );
    expect(spans().find(({ name }) => name === 'batch default')?.attributes).toMatchObject({
      'db.operation.batch.size': 2,
    });
    await traced(() => db.iterator().all());
    await traced(() => Promise.resolve(db.snapshot()));
    expect(spans().map(({ name }) => name)).toContain('iterate default');
    expect(tracesReceived()).toHaveLength(spans().length);
  });

  test('what is not sampled does not travel', async () => {
    const db = await world.opened();
    await world.drive(context.with(UNSAMPLED, () => db.put('a', '1')));
    expect(spans()).toEqual([]);
    expect(tracesReceived()).toEqual([]);
  });

  test('a failure is one, with its code and the outcome', async () => {
    const db = await world.opened();
    await traced(() => db.write([{ type: 'put', key: 'a', value: '1' }], { ifRevision: 7 }).catch(() => {}));
    expect(spans()[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'HOLDFAST_CONFLICT', 'holdfast.outcome': 'not-applied' },
    });
  });

  test('a call that is sent again to a new primary tells so, to logger and span, and travels again', async () => {
    const lines: { readonly message: string; readonly details: object }[] = [];
    const db = await world.opened({
      logger: { debug: (details, message) => lines.push({ message, details }) },
    });
    await world.drive(db.put('before', '1'));
    exporter.reset();
    const sent = tracesReceived().length;
    world.cluster.onWrite = (node) => (node.id === 'n1' ? 'executeAndDrop' : undefined);
    const parent = provider.getTracer('test').startSpan('application');
    const call = context.with(trace.setSpan(ROOT_CONTEXT, parent), () => db.put('a', '1'));
    await world.clock.advance(20);
    world.kill('n1');
    world.cluster.elect('n2');
    await world.drive(call);
    const span = spans().at(-1)!;
    expect(span.attributes).toMatchObject({ 'holdfast.attempts': 2, 'server.address': 'n2' });
    expect(span.events).toMatchObject([
      { name: 'holdfast.redelivery', attributes: { 'holdfast.attempt': 2, 'server.address': 'n2' } },
    ]);
    expect(
      tracesReceived()
        .slice(sent)
        .map(({ traceparent }) => traceparent),
    ).toEqual(Array(2).fill(`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`));
    expect(lines).toContainEqual({ message: 'another primary', details: { term: 2, primary: 'n2' } });
    expect(lines).toContainEqual({
      message: 'redelivery',
      details: { call: expect.any(Number), operation: 'put', attempt: 2, node: 'n2', refusal: undefined },
    });
  });

  test('a second node that is asked is told of as such, and knows the trace too', async () => {
    const db = await world.opened({ hedge: { afterMs: 10, shareMax: 1 }, consistency: 'eventual' });
    world.cluster.onRead = ({ id }) => (id === 'n1' ? 'drop' : undefined);
    await traced(() => db.get('a'));
    const [span] = spans();
    expect(span?.events).toMatchObject([{ name: 'holdfast.hedge', attributes: { 'holdfast.attempt': 2 } }]);
    expect(span?.attributes['server.address']).not.toBe('n1');
    expect(new Set(tracesReceived().map(({ traceparent }) => traceparent)).size).toBe(1);
    expect(tracesReceived()).toHaveLength(2);
  });

  test.each(['onStart', 'onEnd'] as const)(
    'a processor that throws in its %s harms no call',
    async (where) => {
      const db = await world.opened();
      await world.drive(db.put('session', 'is open'));
      throwsIn = where;
      const calls = [db.put('a', '1'), db.put('b', '2'), db.get('a'), db.keys().all()];
      expect(await world.drive(Promise.all(calls))).toEqual([
        undefined,
        undefined,
        '1',
        ['a', 'b', 'session'],
      ]);
    },
  );

  test('what a node calls its address need not be one', async () => {
    const db = await world.opened();
    await world.drive(db.put('a', '1'));
    exporter.reset();
    const topology = { term: 9, primary: 'n1', nodes: [{ id: 'n1', url: 'x' }] };
    world.cluster.node('n1').sendRaw(encodeServerMessages([{ kind: 'topology', topology } as never]));
    await traced(() => db.get('a', { consistency: 'eventual' }));
    expect(spans()[0]?.attributes['holdfast.attempts']).toBe(1);
    expect(spans()[0]?.attributes).not.toHaveProperty('server.address');
  });
});
