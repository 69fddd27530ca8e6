import type { ClientReply, ProposedWrite } from '@holdfast/core';
import {
  type ClientMessage,
  type Clock,
  HoldfastError,
  LIMITS,
  type WireError,
  type WriteRequest,
} from '@holdfast/types';
import { writeProblem } from '@holdfast/wire';
import type { ClientConnection, PendingRequest } from './client-connection.ts';
import type { ClientDatabase, ClientMetrics } from './client-database.ts';
import { overloaded, wireError } from './wire-error.ts';

export interface ClientWritesOptions {
  readonly clock: Clock;
  readonly metrics: ClientMetrics;
}

type WriteMessage = Extract<ClientMessage, { kind: 'write' }>;
type SessionMessage = Extract<ClientMessage, { kind: 'openSession' | 'closeSession' }>;

/** Writes and session requests of clients: into the core with a deadline on this node's clock, and back. */
export class ClientWrites {
  readonly #options: ClientWritesOptions;

  #refused = 0;

  constructor(options: ClientWritesOptions) {
    this.#options = options;
  }

  /** Writes and session requests refused because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  write(client: ClientConnection, database: ClientDatabase, message: WriteMessage): void {
    const now = this.#options.clock.now();
    const requests: ProposedWrite[] = [];
    for (const request of message.requests) {
      const error = this.#problem(client, request);
      if (error !== undefined) {
        this.#count(error);
        client.replyToWrite({ id: request.id, error });
        continue;
      }
      client.requests.set(request.id, { kind: 'write', ack: request.ack, since: now });
      const { id, sequence, ack, conditions, operations, otherwise, clear } = request;
      const deadline = now + request.remainingMs;
      const write = { id, sequence, ack, deadline, conditions, operations };
      if (otherwise !== undefined) requests.push({ ...write, otherwise });
      else requests.push(clear === undefined ? write : { ...write, clear });
    }
    if (requests.length === 0) return;
    const { session, floor } = message;
    database.input({ kind: 'propose', connection: client.number, session, floor, requests });
  }

  session(client: ClientConnection, database: ClientDatabase, message: SessionMessage): void {
    refuseRepeatedId(client, message.id);
    if (client.outstanding >= LIMITS.clientOutstandingRequestsMax) {
      const error = tooMany();
      this.#count(error);
      client.send({ kind: 'failed', id: message.id, error });
      return;
    }
    const now = this.#options.clock.now();
    client.requests.set(message.id, { kind: message.kind, ack: undefined, since: now });
    const { number: connection } = client;
    const { id } = message;
    if (message.kind === 'openSession') {
      database.input({ kind: 'openSession', connection, id, deadline: now + message.remainingMs });
    } else {
      // The client does not wait for it; a bound keeps it from waiting here for ever.
      const deadline = now + CLOSE_SESSION_MS;
      database.input({ kind: 'closeSession', connection, id, session: message.session, deadline });
    }
  }

  reply(client: ClientConnection, replies: readonly ClientReply[]): void {
    for (const reply of replies) {
      const request = client.requests.get(reply.id);
      if (request === undefined) continue;
      client.requests.delete(reply.id);
      this.#reply(client, request, reply);
    }
  }

  #reply(client: ClientConnection, request: PendingRequest, reply: ClientReply): void {
    const { id } = reply;
    switch (reply.kind) {
      case 'receipt': {
        client.replyToWrite({ id, receipt: reply.receipt });
        this.#options.metrics.write(
          request.ack ?? reply.receipt.ack,
          this.#options.clock.now() - request.since,
        );
        return;
      }
      case 'sessionOpened':
        client.send({ kind: 'sessionOpened', id, session: reply.session });
        break;
      case 'sessionClosed':
        client.send({ kind: 'sessionClosed', id });
        break;
      case 'error':
        this.#count(reply.error);
        if (request.kind === 'write') client.replyToWrite({ id, error: reply.error });
        else client.send({ kind: 'failed', id, error: reply.error });
    }
  }

  #count({ code }: WireError): void {
    if (code === 'HOLDFAST_OVERLOADED') this.#refused += 1;
  }

  #problem(client: ClientConnection, request: WriteRequest): WireError | undefined {
    refuseRepeatedId(client, request.id);
    if (client.outstanding >= LIMITS.clientOutstandingRequestsMax) return tooMany();
    const problem = writeProblem(request);
    return problem === undefined ? undefined : wireError(problem.code, problem.message);
  }
}

const CLOSE_SESSION_MS = 5000;

/** Two pending requests of one id: whose the answer is could not be told. */
function refuseRepeatedId(client: ClientConnection, id: number): void {
  if (client.requests.has(id))
    throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', `request id ${id} is pending already`);
}

export function tooMany(): WireError {
  return overloaded(`more than ${LIMITS.clientOutstandingRequestsMax} requests without an answer`);
}
