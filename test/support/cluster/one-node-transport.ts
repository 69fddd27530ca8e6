import { WebSocketTransport } from '@holdfast/io';
import type { Connection, ConnectOptions, Listener, ListenOptions, Transport } from '@holdfast/types';

/** Lets a client reach one node only, wherever it is told to go. Other addresses answer as nobody would. */
export class OneNodeTransport implements Transport {
  readonly #inner: Transport = new WebSocketTransport();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen(options);
  }

  connect(options: ConnectOptions): Connection {
    if (options.url.startsWith(`${this.#url}/`)) return this.#inner.connect(options);
    return this.#inner.connect({ ...options, url: 'ws://127.0.0.1:1/' });
  }
}
