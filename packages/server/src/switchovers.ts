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
  #isOver = false;

  async order(database: DatabaseDriver, target: NodeId | undefined): Promise<void> {
    if (this.#isOver) throw new HoldfastError('HOLDFAST_NOT_READY', 'the node stops');
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<void>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    database.input({
      kind: 'order',
      order: { kind: 'switchover', id, ...(target === undefined ? {} : { target }) },
    });
    await answered;
  }

  done(id: number, error: WireError | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(fromWireError(error));
  }

  /** The node stops: no answer will come. The standby may have been told already, and stand all the same. */
  abandon(): void {
    this.#isOver = true;
    const error = new HoldfastError('HOLDFAST_OUTCOME_UNKNOWN', 'the node stops');
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
