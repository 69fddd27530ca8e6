import { WebSocketTransport } from '@holdfast/io';
import type { Connection, ConnectOptions, Listener, ListenOptions, Transport } from '@holdfast/types';

/** The real network, and how many frames were handed to its sockets. */
export class CountingTransport implements Transport {
  frames = 0;
  /** Is told of each before it is handed over. */
  onFrame: (bytes: Uint8Array) => void = () => {};
  readonly #inner: Transport = new WebSocketTransport();

  listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen(options);
  }

  connect(options: ConnectOptions): Connection {
    const connection = this.#inner.connect(options);
    const send = connection.send.bind(connection);
    connection.send = (bytes) => {
      this.frames += 1;
      this.onFrame(bytes);
      send(bytes);
    };
    return connection;
  }
}
