import { type Seams, systemSeams } from '../seams.ts';
import { type SagaCallOptions, timeLeft } from './saga-call.ts';
import { abortOrdered, isOver, resumeOrdered, type SagaChange, type SagaRecord } from './saga-record.ts';
import { type HeldRecord, noSuchSaga, type SagaDatabase, type SagaFilter, SagaStore } from './saga-store.ts';

/** The sagas that a database keeps, for those who look at them and give orders: needs no definitions. */
export class SagaRegister {
  protected readonly store: SagaStore;
  readonly #seams: Seams;

  /** `retentionMs`: as of `Sagas`; orders end no saga. */
  constructor(database: SagaDatabase, seams: Seams = systemSeams(), retentionMs?: number) {
    this.#seams = seams;
    this.store = new SagaStore(database, seams, retentionMs);
  }

  /** Undefined: none is kept. @throws HOLDFAST_DEADLINE_EXCEEDED, HOLDFAST_NO_PRIMARY, and what any read may. */
  async get(type: string, id: string, options: SagaCallOptions = {}): Promise<SagaRecord | undefined> {
    return (await this.store.read(type, id, options))?.record;
  }

  /**
   * In the order of types and ids; those that are over, too. `timeoutMs` is of each page.
   * @throws LEVEL_ABORTED, as an iterator, once `signal` is aborted; HOLDFAST_SNAPSHOT_LOST, and what any read may.
   */
  list(filter: SagaFilter = {}, options: SagaCallOptions = {}): AsyncGenerator<SagaRecord> {
    return this.store.list(filter, options);
  }

  /**
   * Has a stuck saga compensated again from where it is stuck, once a worker finds it. False: it is not stuck.
   * @throws HOLDFAST_SAGA_NOT_FOUND, and what any write may.
   */
  async resume(type: string, id: string, options: SagaCallOptions = {}): Promise<boolean> {
    return await this.#ordered(type, id, resumeOrdered, options);
  }

  /**
   * Has a saga taken back, from the end of the step under way on, once a worker finds it. False: it is on its way back, or
   * over. @throws HOLDFAST_SAGA_NOT_FOUND, and what any write may.
   */
  async abort(
    type: string,
    id: string,
    reason = 'aborted by an operator',
    options: SagaCallOptions = {},
  ): Promise<boolean> {
    return await this.#ordered(type, id, (record) => abortOrdered(record, reason), options);
  }

  /** Forgets a saga that is over and not stuck. False: it is not over. @throws HOLDFAST_SAGA_NOT_FOUND, and what any write may. */
  async remove(type: string, id: string, options: SagaCallOptions = {}): Promise<boolean> {
    const left = timeLeft(this.#seams, options);
    for (;;) {
      const held = await this.#found(type, id, left());
      if (!isOver(held.record.state) || held.record.state === 'stuck') return false;
      if (await this.store.remove(held, left())) return true;
    }
  }

  async #ordered(
    type: string,
    id: string,
    order: (record: SagaRecord) => SagaChange | undefined,
    options: SagaCallOptions,
  ): Promise<boolean> {
    const left = timeLeft(this.#seams, options);
    for (;;) {
      const held = await this.#found(type, id, left());
      const change = order(held.record);
      if (change === undefined) return false;
      if ((await this.store.change(held, change, left())) !== undefined) return true;
    }
  }

  async #found(type: string, id: string, options: SagaCallOptions): Promise<HeldRecord> {
    const held = await this.store.read(type, id, options);
    if (held === undefined) throw noSuchSaga(type, id);
    return held;
  }
}
