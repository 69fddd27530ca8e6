import type {
  Connection,
  ConnectionHandlers,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
} from '@holdfast/types';
import { blamingProduct } from '../run/blame.ts';
import type { ProcessGate } from './process-gate.ts';

/** The network as one process sees it: what arrives waits while it is frozen. */
export class ProcessTransport implements Transport {
  readonly #transport: Transport;
  readonly #gate: ProcessGate;

  constructor(transport: Transport, gate: ProcessGate) {
    this.#transport = transport;
    this.#gate = gate;
  }

  /** Of a frozen process the network itself holds back who wants to connect: it must be answered at once. */
  listen(options: ListenOptions): Promise<Listener> {
    const gate = this.#gate;
    return gate.answer('network', () =>
      this.#transport.listen({
        ...options,
        decide: (request) => blamingProduct(() => options.decide(request)),
        onConnection: (connection) =>
          blamingProduct(() => options.onConnection(new ProcessConnection(connection, gate))),
      }),
    );
  }

  connect(options: ConnectOptions): Connection {
    return new ProcessConnection(this.#transport.connect(options), this.#gate);
  }
}

class ProcessConnection implements Connection {
  readonly #connection: Connection;
  readonly #gate: ProcessGate;
  /** Messages that wait for the process to go on: they have not come in. */
  #heldBytes = 0;
  #receivedBytes = 0;
  handlers: ConnectionHandlers;

  constructor(connection: Connection, gate: ProcessGate) {
    this.#connection = connection;
    this.#gate = gate;
    this.handlers = connection.handlers;
    connection.handlers = {
      onOpen: () => gate.run('network', () => this.handlers.onOpen?.()),
      onMessage: (bytes) => {
        this.#heldBytes += bytes.byteLength;
        gate.run('network', () => {
          this.#heldBytes -= bytes.byteLength;
          this.handlers.onMessage(bytes);
        });
      },
      onClose: (info) => gate.run('network', () => this.handlers.onClose(info)),
    };
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get subprotocol(): string {
    return this.#connection.subprotocol;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  /** Never less than before: what was seen of a message that waits since was seen. */
  get receivedBytes(): number {
    this.#receivedBytes = Math.max(this.#receivedBytes, this.#connection.receivedBytes - this.#heldBytes);
    return this.#receivedBytes;
  }

  send(bytes: Uint8Array): void {
    if (!this.#gate.isDead) this.#connection.send(bytes);
  }

  close(code?: number, reason?: string): void {
    if (!this.#gate.isDead) this.#connection.close(code, reason);
  }

  terminate(): void {
    if (!this.#gate.isDead) this.#connection.terminate();
  }
}
