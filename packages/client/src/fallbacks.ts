import { HoldfastError } from '@holdfast/types';
import { checkedFallback, type Fallback } from './options.ts';

/** What `on('degraded')` is told when a key could not be read, and a `fallback` was asked for its value. */
export interface FallbackUse {
  readonly kind: 'fallback';
  /** As it was given to the call. */
  readonly key: unknown;
  /** Why it could not be read. */
  readonly error: HoldfastError;
}

interface FallbackGiven<K, V> {
  readonly fallback?: Fallback<K, V> | false | undefined;
}

/** Puts what a program has to say itself in the place of reads that failed for want of an answer. */
export class Fallbacks<KDefault, VDefault> {
  /** Of calls that name none. */
  readonly #default: Fallback<KDefault, VDefault> | false;
  readonly #onUse: (use: FallbackUse) => void;

  constructor(fallback: Fallback<KDefault, VDefault> | false, onUse: (use: FallbackUse) => void) {
    this.#default = fallback;
    this.#onUse = onUse;
  }

  /** That of a call with these options, unchecked. */
  of<K, V>(options: FallbackGiven<K, V> | undefined): Fallback<K, V> | undefined {
    const fallback = options?.fallback ?? this.#default;
    return fallback === false ? undefined : (fallback as Fallback<K, V>);
  }

  /** What `read` finds, or `fallback` gives. What that throws is passed on. */
  async value<K, V>(
    read: () => Promise<V | undefined>,
    key: K,
    fallback: Fallback<K, V>,
  ): Promise<V | undefined> {
    checkedFallback(fallback);
    try {
      return await read();
    } catch (error) {
      return await this.use(error, key, fallback);
    }
  }

  /** Of several keys, each on its own. */
  async values<K, V>(
    read: () => Promise<(V | undefined)[]>,
    keys: readonly K[],
    fallback: Fallback<K, V>,
  ): Promise<(V | undefined)[]> {
    checkedFallback(fallback);
    try {
      return await read();
    } catch (error) {
      return await Promise.all(keys.map((key) => this.use(error, key, fallback)));
    }
  }

  /** Throws `error` if it says anything about the read itself. */
  async use<K, V>(error: unknown, key: K, fallback: Fallback<K, V>): Promise<V | undefined> {
    if (!isWantOfAnswer(error)) throw error;
    this.#onUse({ kind: 'fallback', key, error });
    return await fallback(error, key);
  }
}

/** For whoever has looked to it: that the database it is handed on to does not help itself, too. */
export function withoutFallback<Options extends object>(
  options: Options | undefined,
): Options & { readonly fallback: false } {
  return { ...(options as Options), fallback: false };
}

/** Nobody could answer; as opposed to what is wrong with the call, or what it found. */
function isWantOfAnswer(error: unknown): error is HoldfastError {
  if (!(error instanceof HoldfastError)) return false;
  // What was seen is lost: to go on as if nothing was must be decided by who saw it.
  if (error.code === 'HOLDFAST_SESSION_DIVERGED' || error.code === 'HOLDFAST_SNAPSHOT_LOST') return false;
  return error.retryable || error.code === 'HOLDFAST_DISK_FAILED';
}
