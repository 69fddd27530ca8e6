import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, HoldfastError } from '@holdfast/types';
import type { NodeProcessState } from './node-process.ts';

export const NODE_ORDERS = ['kill', 'pause', 'resume', 'start', 'stop'] as const;
export type NodeOrder = (typeof NODE_ORDERS)[number];

export interface ControlState {
  readonly pid: number;
  readonly directory: string;
  readonly nodes: readonly NodeProcessState[];
}

export interface ControlView {
  state(): ControlState;
  /** Resolves when it is done. Throws HOLDFAST_INVALID_ARGUMENT for what cannot be done, with the reason. */
  order(id: string, order: NodeOrder): Promise<NodeProcessState>;
}

/**
 * The door by which commands of a second terminal reach `up`: HTTP on 127.0.0.1 with a token that only this user
 * can read, so that neither another user nor a web page gets in.
 */
export class ControlServer {
  readonly #server: Server;

  static async open(view: ControlView, token: string): Promise<ControlServer> {
    const expected = Buffer.from(`Bearer ${token}`);
    const server = createServer((request, response) => {
      answer(view, expected, request).then(
        (content) => send(response, 200, content),
        (error: unknown) => send(response, ...refusalOf(error)),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new ControlServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(view: ControlView, expected: Buffer, request: IncomingMessage): Promise<object> {
  request.resume();
  const given = Buffer.from(request.headers.authorization ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new HoldfastError('HOLDFAST_ORIGIN_REFUSED', 'this is the control page of holdfast up: no token');
  }
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'GET' && pathname === '/state') return view.state();
  const [, id, order] = /^\/nodes\/([^/]+)\/([a-z]+)$/.exec(pathname) ?? [];
  if (request.method === 'POST' && id !== undefined && isOrder(order)) {
    return await view.order(decodeURIComponent(id), order);
  }
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `there is no ${request.method} ${pathname}`);
}

function isOrder(text: string | undefined): text is NodeOrder {
  return NODE_ORDERS.some((order) => order === text);
}

function refusalOf(error: unknown): [status: number, content: object] {
  const code: ErrorCode = error instanceof HoldfastError ? error.code : 'HOLDFAST_INVALID_ARGUMENT';
  const message = error instanceof Error ? error.message : String(error);
  return [code === 'HOLDFAST_ORIGIN_REFUSED' ? 403 : 400, { error: { code, message } }];
}

function send(response: ServerResponse, status: number, content: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(content));
}
