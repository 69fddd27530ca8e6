import type { Outcome } from '@holdfast/types';
import type { AbstractLevel } from 'abstract-level';
import { asBuffer } from './bytes.ts';
import { LevelError } from './level-error.ts';

type Database = AbstractLevel<Buffer, unknown, unknown>;

/** The database or sublevel that keys and values of a call belong to: its encodings, and its prefix. */
export class Home {
  readonly #db: Database;

  constructor(db: unknown) {
    this.#db = db as Database;
  }

  /** That of the sublevel, if one is named. */
  of(sublevel: unknown): Home {
    return sublevel === undefined || sublevel === null ? this : new Home(sublevel);
  }

  /** Encoded, with the prefix it has in the whole database. */
  prefixedKey(key: unknown, encoding: unknown): Buffer {
    if (key === null || key === undefined)
      throw new LevelError('LEVEL_INVALID_KEY', 'Key cannot be null or undefined');
    const encoded = this.#db.keyEncoding(encoding as 'buffer').encode(key as never);
    return this.#db.prefixKey(encoded, 'buffer', false);
  }

  encodedValue(value: unknown, encoding: unknown): Buffer {
    if (value === null || value === undefined)
      throw new LevelError('LEVEL_INVALID_VALUE', 'Value cannot be null or undefined');
    return this.#db.valueEncoding(encoding as 'buffer').encode(value as never);
  }

  /** Throws LEVEL_DECODE_ERROR, with `outcome` if the value is what a write came to. */
  decodedValue<V>(value: Uint8Array, encoding: unknown, outcome?: Outcome): V {
    try {
      return this.#db.valueEncoding(encoding as 'buffer').decode(asBuffer(value)) as V;
    } catch (cause) {
      throw new LevelError('LEVEL_DECODE_ERROR', 'Could not decode value', cause, outcome);
    }
  }

  /** Runs it once the database is open. Undefined: it is. */
  deferred<Result>(call: () => Promise<Result>): Promise<Result> | undefined {
    if (this.#db.status === 'opening') return this.#db.deferAsync(call);
    if (this.#db.status === 'open') return undefined;
    throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
  }
}
