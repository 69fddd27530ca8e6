import { AbstractChainedBatch } from 'abstract-level';
import { invalidOption } from './invalid-option.ts';
import type { WriteCallOptions } from './options.ts';
import type { EncodedOperation } from './requests.ts';

/** What it writes to: the database, or the sublevel that hands it on. */
interface BatchHome {
  _batch(operations: EncodedOperation[], options: WriteCallOptions): Promise<unknown>;
}

/** As abstract-level's own; but what holds of single puts is not taken for the whole, where it would go unheard. */
export class EncodedChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  #operations: EncodedOperation[] = [];
  readonly #home: BatchHome;

  constructor(db: TDatabase) {
    // Undocumented in its types: operations come whole, with their options.
    super(...([db, { add: true }] as unknown as [TDatabase]));
    this.#home = db as unknown as BatchHome;
  }

  /** Undocumented in abstract-level's types. */
  _add(operation: EncodedOperation): void {
    this.#operations.push(operation);
  }

  _clear(): void {
    this.#operations = [];
  }

  _write(options: WriteCallOptions & { readonly ttlMs?: unknown }): Promise<unknown> {
    if (options.ttlMs !== undefined)
      throw invalidOption('ttlMs', options.ttlMs, 'it with each put of a chained batch');
    return this.#home._batch(this.#operations, options);
  }
}
