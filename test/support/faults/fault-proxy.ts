import { type AddressInfo, createServer, connect as openSocket, type Server, type Socket } from 'node:net';

/**
 * pass: as if it were not there. hole: connections are taken and never answered, and those there fall silent. refuse:
 * nobody listens, and connections there are cut. flaky: every second connection is cut at its first bytes, the others
 * some time after them.
 */
export type ProxyMode = 'pass' | 'hole' | 'refuse' | 'flaky';

const FLAKY_LIFE_MS = 300;

/** Stands between clients and a node, at the address that the node announces. */
export class FaultProxy {
  /** What the node sends arrives so much later. */
  answerDelayMs = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #host: string;
  readonly #pairs = new Map<Socket, Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: Server | undefined;
  #port: number;
  #mode: ProxyMode = 'pass';
  #taken = 0;

  /** `at`: where it listens; a free port of this host by default. */
  constructor(
    target: { readonly host: string; readonly port: number },
    at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
  ) {
    this.#target = target;
    this.#host = at.host;
    this.#port = at.port;
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    const server = createServer((client) => this.#take(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async become(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    if (mode === 'refuse') await this.close();
    else if (this.#server === undefined) await this.listen();
    // What was swallowed meanwhile is missing in the stream.
    if (mode === 'pass' || mode === 'flaky') this.#cutAll();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve()),
    );
    this.#cutAll();
    await closed;
  }

  #cutAll(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const [client, node] of this.#pairs) {
      client.destroy();
      node.destroy();
    }
    this.#pairs.clear();
  }

  #take(client: Socket): void {
    this.#taken += 1;
    const isDoomed = this.#taken % 2 === 0;
    const node = openSocket(this.#target);
    this.#pairs.set(client, node);
    const cut = (): void => {
      this.#pairs.delete(client);
      client.destroy();
      node.destroy();
    };
    for (const socket of [client, node]) {
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', cut);
    }
    client.on('data', (bytes) => {
      if (this.#mode === 'hole') return;
      if (this.#mode === 'flaky') {
        if (isDoomed) return cut();
        this.#later(FLAKY_LIFE_MS, cut);
      }
      node.write(bytes);
    });
    node.on('data', (bytes) => {
      if (this.#mode === 'hole') return;
      if (this.answerDelayMs === 0) client.write(bytes);
      else this.#later(this.answerDelayMs, () => client.write(bytes));
    });
  }

  #later(ms: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }
}
