import type { Outcome } from '@holdfast/types';
import type { AbstractLevel, AbstractResource } from 'abstract-level';
import { asBuffer } from './bytes.ts';
import type { KeyBounds } from './keys/key-bounds.ts';
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

  /** Encoded bounds with the prefix, or those of all that has the prefix where none is given. */
  prefixedBounds(
    bounds: { readonly gt?: unknown; readonly gte?: unknown; readonly lt?: unknown; readonly lte?: unknown },
    encoding: unknown,
  ): KeyBounds {
    const given = (['gt', 'gte', 'lt', 'lte'] as const)
      .filter((name) => bounds[name] !== undefined)
      .map((name) => [name, this.prefixedKey(bounds[name], encoding)] as const);
    const prefixed: KeyBounds = Object.fromEntries(given);
    const prefix = this.#prefix;
    if (prefix.length === 0) return prefixed;
    const hasLower = prefixed.gt !== undefined || prefixed.gte !== undefined;
    const hasUpper = prefixed.lt !== undefined || prefixed.lte !== undefined;
    return {
      ...prefixed,
      ...(hasLower ? {} : { gte: prefix }),
      ...(hasUpper ? {} : { lt: behindPrefix(prefix) }),
    };
  }

  /** Of one with the prefix. Throws LEVEL_DECODE_ERROR. */
  decodedKey<K>(prefixed: Uint8Array, encoding: unknown): K {
    const own = asBuffer(prefixed.subarray(this.#prefix.length));
    try {
      return this.#db.keyEncoding(encoding as 'buffer').decode(own) as K;
    } catch (cause) {
      throw new LevelError('LEVEL_DECODE_ERROR', 'Could not decode key', cause);
    }
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

  /** To be closed with the database. */
  attach(resource: AbstractResource): void {
    this.#db.attachResource(resource);
  }

  detach(resource: AbstractResource): void {
    this.#db.detachResource(resource);
  }

  get isOpen(): boolean {
    return this.#db.status === 'open';
  }

  /** Of a sublevel; empty otherwise. */
  get #prefix(): Buffer {
    return this.#db.prefixKey(NO_KEY, 'buffer', false);
  }
}

const NO_KEY = Buffer.alloc(0);

/** Prefixes end in a separator, which is never the last of all bytes. */
function behindPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] as number) + 1;
  return end;
}
