import type { Connection, ConnectOptions, Listener, ListenOptions, Transport } from '@holdfast/types';
import type { SimNetwork } from './sim-network.ts';

/** The network as one host of a `SimNetwork` sees it; URLs name hosts: `ws://n2:7101/peer`. */
export class SimTransport implements Transport {
  readonly host: string;
  readonly #network: SimNetwork;

  constructor(network: SimNetwork, host: string) {
    this.#network = network;
    this.host = host;
  }

  listen(options: ListenOptions): Promise<Listener> {
    return this.#network.listen(this.host, options);
  }

  connect(options: ConnectOptions): Connection {
    return this.#network.connect(this.host, options);
  }
}
