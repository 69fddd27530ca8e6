import { HoldfastError, isNodeId, type NodeId, type SessionId } from '@holdfast/types';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EventStream } from '../events/event-stream.ts';
import { type HttpRefusal, refusal, refusalOf, refusalOfError } from './http-errors.ts';
import type { CallName, NodeDigest, NodeView } from './node-view.ts';

const CALL_NAME = /^([0-9.]+)\/([0-9]+)$/;
/** No request of this interface has more to say. */
const BODY_BYTES_MAX = 16_384;

export interface HttpOptions {
  /** A route failed in a way that no code names: a fault of ours. The request is answered with 500. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * The HTTP side of a node. It does not listen: once `ready()` has resolved, `routing(request, response)` serves what
 * the transport hands over. Errors are `{ error: { code, message } }`.
 */
export function buildHttp(view: NodeView, options: HttpOptions = {}): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, routerOptions: { maxParamLength: 256 } });
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    const refused = guard(view, request);
    if (refused !== undefined) return refuse(reply, refused);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(
      reply,
      refusal(404, 'HOLDFAST_INVALID_ARGUMENT', `there is no ${request.method} ${request.url.slice(0, 200)}`),
    ),
  );
  app.setErrorHandler((error, _request, reply) => {
    const refused = refusalOfError(error);
    if (refused !== undefined) return refuse(reply, refused);
    options.onFault?.(error);
    return refuse(reply, refusal(500, 'HOLDFAST_OUTCOME_UNKNOWN', 'the node failed to answer; see its log'));
  });
  addHealthRoutes(app, view);
  addReadingRoutes(app, view);
  addOrderRoutes(app, view);
  return app;
}

/** Before anything else is looked at: see AccessPolicy. An order must also be JSON, which no plain form can send. */
function guard(view: NodeView, request: FastifyRequest): HttpRefusal | undefined {
  const decision = view.isAllowed({ origin: request.headers.origin, host: request.headers.host });
  if (!decision.allowed) return refusal(403, 'HOLDFAST_ORIGIN_REFUSED', decision.reason);
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === 'application/json') return undefined;
  return refusal(415, 'HOLDFAST_INVALID_ARGUMENT', 'content-type must be application/json');
}

function refuse(reply: FastifyReply, refused: HttpRefusal): FastifyReply {
  return reply.code(refused.status).send(refused.body);
}

/** The way load balancers and orchestrators ask: by status alone. */
function addHealthRoutes(app: FastifyInstance, view: NodeView): void {
  app.get('/livez', () => ({ status: 'live' }));
  app.get('/readyz', (_request, reply) => {
    const { ready, notReadyReason } = view.status();
    return reply.code(ready ? 200 : 503).send({ ready, reason: notReadyReason });
  });
  app.get('/primary', (_request, reply) => {
    const { role, admitting, primary, term } = view.status();
    return reply.code(role === 'primary' && admitting ? 200 : 503).send({ role, primary, term });
  });
  app.get('/standby', (_request, reply) => {
    const { role, ready, primary, term } = view.status();
    return reply.code(role === 'standby' && ready ? 200 : 503).send({ role, primary, term });
  });
}

function addReadingRoutes(app: FastifyInstance, view: NodeView): void {
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await view.metrics.text();
    return reply.header('content-type', contentType).send(body);
  });
  app.get('/v1/status', () => view.status());
  app.get('/v1/digest', digestRoute(view));
  app.get('/v1/events', { exposeHeadRoute: false }, (request, reply) => sendEvents(view, request, reply));
  app.get('/v1/divergence', () => ({ diverged: printable(view.divergence.list()) }));
  app.get<{ Params: { id: string } }>('/v1/divergence/:id', async (request) => {
    const { id } = request.params;
    const entry = await view.divergence.show(id);
    if (entry === undefined) throw unknownDivergence(id);
    return printable(entry);
  });
  app.get('/v1/results', (request) =>
    view.results(callsOf((request.query as Readonly<Record<string, unknown>>).of)),
  );
}

/** `<session>/<sequence>`, and more of them behind commas. */
function callsOf(of: unknown): CallName[] {
  const names = typeof of === 'string' ? of.split(',') : [];
  const calls = names.map((name) => {
    const [, session, digits] = CALL_NAME.exec(name) ?? [];
    return { session: session as SessionId, sequence: Number(digits) };
  });
  if (calls.length > 0 && calls.every(({ sequence }) => Number.isSafeInteger(sequence))) return calls;
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'expected ?of=<session>/<sequence>,…');
}

/**
 * One at a time: it reads the whole store, and holds nearly all the time one of the four threads that the log is written
 * by as well. Whoever asks while one is made asks again.
 */
function digestRoute(view: NodeView): () => Promise<NodeDigest> {
  let isBusy = false;
  return async () => {
    if (isBusy) throw new HoldfastError('HOLDFAST_OVERLOADED', 'a digest is being made already');
    isBusy = true;
    try {
      return await view.digest();
    } finally {
      isBusy = false;
    }
  };
}

const SWITCHOVER_BODY = z.strictObject({ target: z.string().optional() });

function addOrderRoutes(app: FastifyInstance, view: NodeView): void {
  app.post('/v1/switchover', async (request) => {
    await view.switchover(targetOf(request.body));
    const { primary, term } = view.status();
    return { primary, term };
  });
  app.post<{ Params: { id: string } }>('/v1/divergence/:id/discard', async (request) => {
    const { id } = request.params;
    if (!(await view.divergence.discard(id))) throw unknownDivergence(id);
    return { discarded: id };
  });
}

function targetOf(body: unknown): NodeId | undefined {
  const read = SWITCHOVER_BODY.safeParse(body ?? {});
  if (!read.success)
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'expected {} or { "target": "<node id>" }');
  const { target } = read.data;
  if (target === undefined) return undefined;
  if (!isNodeId(target)) throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'target is not a node id');
  return target;
}

function unknownDivergence(id: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_DIVERGENCE_NOT_FOUND',
    `nothing diverged is filed under ${JSON.stringify(id)}`,
  );
}

function sendEvents(view: NodeView, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = request.query as Readonly<Record<string, unknown>>;
  const lastEventId = request.headers['last-event-id'];
  const after = typeof lastEventId === 'string' ? lastEventId : query.after;
  const response = reply.raw;
  const stream = EventStream.open({
    ring: view.events,
    clock: view.clock,
    boot: view.status().boot,
    after: typeof after === 'string' ? after : undefined,
    follow: query.follow !== 'false',
    sink: {
      write(text) {
        if (!response.headersSent) {
          reply.hijack();
          response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        }
        response.write(text);
      },
      get unsentBytes() {
        return response.writableLength;
      },
      end: () => response.end(),
      destroy: () => response.destroy(),
    },
  });
  if (stream === undefined) {
    return refuse(reply, refusalOf(new HoldfastError('HOLDFAST_OVERLOADED', 'too many readers of events')));
  }
  // A reader that goes while the answer still waits behind another one of its connection shows on the socket alone.
  const { socket } = request.raw;
  const onClose = (): void => {
    socket.off('close', onClose);
    stream.close();
  };
  socket.on('close', onClose);
  response.on('close', onClose);
  return reply;
}

/** With byte strings as base64 text. */
function printable(value: unknown): unknown {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, printable(part)]));
}
