import { WebSocketTransport } from '@holdfast/io';
import type { Connection, ConnectOptions, Listener, ListenOptions, Transport } from '@holdfast/types';

/** The real network, and how many frames were handed to its sockets. */
export class CountingTransport implements Transport {
  frames = 0;
  readonly #inner: Transport = new WebSocketTransport();

  listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen(options);
  }

  connect(options: ConnectOptions): Connection {
    const connection = this.#inner.connect(options);
    const send = connection.send.bind(connection);
    connection.send = (bytes) => {
      this.frames += 1;
      send(bytes);
    };
    return connection;
  }
}
