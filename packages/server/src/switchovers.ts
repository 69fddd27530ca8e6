import { HoldfastError, type NodeId, type WireError } from '@holdfast/types';
import { fromWireError } from './clients/wire-error.ts';
import type { DatabaseDriver } from './driver/database-driver.ts';

interface Waiting {
  resolve(): void;
  reject(error: HoldfastError): void;
}

/** Orders to hand the primary role over that the core has not answered yet. */
export class Switchovers {
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  order(database: DatabaseDriver, target: NodeId | undefined): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<void>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    database.input({
      kind: 'order',
      order: { kind: 'switchover', id, ...(target === undefined ? {} : { target }) },
    });
    return answered;
  }

  done(id: number, error: WireError | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(fromWireError(error));
  }

  /** The node stops: no answer will come. */
  abandon(): void {
    const error = new HoldfastError('HOLDFAST_SWITCHOVER_FAILED', 'the node stops');
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
