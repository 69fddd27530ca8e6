import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { NODE_COMPILE_CACHE, nodeProgram } from '../node-program.ts';
import { FencedResource } from './fenced-resource.ts';

/** Processes that fight over one lock, and the resource that they write to. */
export class Contenders {
  readonly resource: FencedResource = new FencedResource();
  /** Processes that have ended by an error. */
  broken = 0;
  readonly #location: string;
  readonly #ttlMs: number;
  readonly #server: Server;
  readonly #children = new Map<string, ChildProcess>();
  readonly #sockets = new Set<Socket>();

  private constructor(location: string, ttlMs: number, server: Server) {
    this.#location = location;
    this.#ttlMs = ttlMs;
    this.#server = server;
  }

  static async start(
    location: string,
    options: { readonly count: number; readonly ttlMs: number },
  ): Promise<Contenders> {
    const server = createServer();
    const contenders = new Contenders(location, options.ttlMs, server);
    server.on('connection', (socket) => contenders.#onConnection(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => contenders.#end());
    await Promise.all(Array.from({ length: options.count }, () => contenders.add()));
    return contenders;
  }

  /** Another one. */
  async add(): Promise<void> {
    const { port } = this.#server.address() as { readonly port: number };
    const args = [nodeProgram('contender'), this.#location, String(port), String(this.#ttlMs)];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { NODE_COMPILE_CACHE, ...process.env },
    });
    this.#children.set(String(child.pid), child);
    child.once('exit', (code) => {
      this.#children.delete(String(child.pid));
      // One that is killed has no status.
      if (code !== null && code !== 0) this.broken += 1;
    });
    await once(child, 'message');
  }

  /** The last whose write got through. */
  get writer(): ChildProcess | undefined {
    const last = this.resource.accepted.at(-1);
    return last === undefined ? undefined : this.#children.get(last.writer);
  }

  /** Ids of processes that have written. */
  get writers(): ReadonlySet<string> {
    return new Set(this.resource.accepted.map(({ writer }) => writer));
  }

  /** Tells all to end, whether they hold the lock or wait for it; resolves when they have. */
  async stop(): Promise<void> {
    const children = [...this.#children.values()];
    const ends = children.map(async (child) => {
      const ended = once(child, 'exit');
      child.send('stop');
      await ended;
    });
    await Promise.all(ends);
  }

  /** Each line is a write: who writes, and its token. */
  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    createInterface(socket).on('line', (line) => {
      const [writer = '', token = ''] = line.split(' ');
      this.resource.write({ writer, token: Number(token) });
    });
  }

  async #end(): Promise<void> {
    for (const child of this.#children.values()) child.kill('SIGKILL');
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
