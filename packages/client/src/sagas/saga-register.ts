import { type Seams, systemSeams } from '../seams.ts';
import { abortOrdered, isOver, resumeOrdered, type SagaChange, type SagaRecord } from './saga-record.ts';
import { type HeldRecord, noSuchSaga, type SagaDatabase, type SagaFilter, SagaStore } from './saga-store.ts';

/** The sagas that a database keeps, for those who look at them and give orders: needs no definitions. */
export class SagaRegister {
  protected readonly store: SagaStore;

  /** `retentionMs`: as of `Sagas`; orders end no saga. */
  constructor(database: SagaDatabase, seams: Seams = systemSeams(), retentionMs?: number) {
    this.store = new SagaStore(database, seams, retentionMs);
  }

  async get(type: string, id: string): Promise<SagaRecord | undefined> {
    return (await this.store.read(type, id))?.record;
  }

  /** In the order of types and ids; those that are over, too. */
  list(filter: SagaFilter = {}): AsyncGenerator<SagaRecord> {
    return this.store.list(filter);
  }

  /** Has a stuck saga compensated again from where it is stuck, once a worker finds it. False: it is not stuck. */
  async resume(type: string, id: string): Promise<boolean> {
    return await this.#ordered(type, id, resumeOrdered);
  }

  /**
   * Has a saga taken back, from the end of the step under way on, once a worker finds it. False: it is on its way back, or
   * over.
   */
  async abort(type: string, id: string, reason = 'aborted by an operator'): Promise<boolean> {
    return await this.#ordered(type, id, (record) => abortOrdered(record, reason));
  }

  /** Forgets a saga that is over and not stuck. False: it is not over. Rejects with HOLDFAST_SAGA_NOT_FOUND. */
  async remove(type: string, id: string): Promise<boolean> {
    for (;;) {
      const held = await this.#found(type, id);
      if (!isOver(held.record.state) || held.record.state === 'stuck') return false;
      if (await this.store.remove(held)) return true;
    }
  }

  async #ordered(
    type: string,
    id: string,
    order: (record: SagaRecord) => SagaChange | undefined,
  ): Promise<boolean> {
    for (;;) {
      const held = await this.#found(type, id);
      const change = order(held.record);
      if (change === undefined) return false;
      if ((await this.store.change(held, change, undefined)) !== undefined) return true;
    }
  }

  async #found(type: string, id: string): Promise<HeldRecord> {
    const held = await this.store.read(type, id);
    if (held === undefined) throw noSuchSaga(type, id);
    return held;
  }
}
