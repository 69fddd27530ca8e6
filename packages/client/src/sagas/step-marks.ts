import { withoutHooks } from '../prewrite-hooks.ts';
import type { Transaction, TransactionSummary } from '../transaction.ts';

/** What `once` is called with: `Holdfast` and its sublevels are. */
export interface OnceOf<K, V> {
  transaction(transaction: Transaction<K, V>, options?: object): Promise<TransactionSummary<V>>;
  sublevel(name: string): unknown;
}

type AnyDatabase = OnceOf<unknown, unknown>;

/** Where a database remembers which steps were applied in it. */
const MARKS_SUBLEVEL = 'saga-marks';

/** A saga's end waits for it. */
const EXPIRY_TIMEOUT_MS = 1000;

/** A sublevel is attached to its database until that is closed: one for each use would pile up. */
const marksLevels = new WeakMap<object, unknown>();

/** As a step of a transaction names it. */
export interface Mark {
  readonly key: string;
  readonly sublevel: never;
  readonly keyEncoding: 'utf8';
  readonly valueEncoding: 'utf8';
}

export function markIn(database: AnyDatabase, key: string): Mark {
  return { key, sublevel: levelOf(database) as never, keyEncoding: 'utf8', valueEncoding: 'utf8' };
}

/** It only tells keys and encodings: one that was closed with its database serves as well. */
function levelOf(database: AnyDatabase): unknown {
  let level = marksLevels.get(database);
  if (level === undefined) {
    level = withoutHooks(database.sublevel(MARKS_SUBLEVEL) as object);
    marksLevels.set(database, level);
  }
  return level;
}

/** Marks that one process has left of one saga. */
export class StepMarks {
  readonly #keys = new Map<AnyDatabase, Set<string>>();

  note(database: AnyDatabase, key: string): void {
    let keys = this.#keys.get(database);
    if (keys === undefined) {
      keys = new Set();
      this.#keys.set(database, keys);
    }
    keys.add(key);
  }

  /** For a saga that has ended. Never rejects: marks that cannot be reached now stay. */
  async expireIn(ttlMs: number, signal: AbortSignal): Promise<void> {
    const options = { signal, timeoutMs: EXPIRY_TIMEOUT_MS };
    await Promise.allSettled(
      [...this.#keys].map(async ([database, keys]) => {
        const then = [...keys].map((key) => {
          const { sublevel, keyEncoding } = markIn(database, key);
          return { type: 'expire', key, sublevel, keyEncoding, ttlMs } as const;
        });
        await database.transaction({ then }, options);
      }),
    );
  }
}
