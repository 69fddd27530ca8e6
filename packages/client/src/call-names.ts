import { HoldfastError } from '@holdfast/types';
import { meantBy } from './mistyped.ts';

const CALL = ['timeoutMs', 'signal', 'whenNoPrimary'];
const STATE = ['consistency', 'readPreference', 'maxStalenessMs', 'after'];
const READ = [...CALL, ...STATE, 'degrade'];
const WRITE = [...CALL, 'ack'];
/** Of what is put. */
const PUT = ['ttlMs'];
const FALLBACK = ['fallback'];
/** `read` does. */
const ABSENT = ['tellAbsent'];
/** What a caller of `put` may hope for, and would not get. */
const CONDITIONAL = ['ifRevision', 'ifAbsent', 'conditions'];
/** Options of ours, of whatever call. What becomes of abstract-level's own, mistyped, is its matter. */
const OURS: ReadonlySet<string> = new Set([
  ...READ,
  ...WRITE,
  ...PUT,
  ...FALLBACK,
  ...ABSENT,
  ...CONDITIONAL,
]);
/** Different names in one program are few; one that makes them up does not fill the memory. */
const KNOWN_MAX = 1000;

/**
 * The names of ours that methods of abstract-level take. Foreign ones are let through, since abstract-level hands
 * options on to hooks and events, and plug-ins have their own. One of ours that is mistyped, or that the method would
 * not heed, is refused: the call would do something else than was asked for.
 */
export class CallNames {
  readonly #what: string;
  readonly #taken: ReadonlySet<string>;
  /** Names that need no second look. */
  readonly #fine: Set<string>;

  constructor(what: string, taken: readonly string[]) {
    this.#what = what;
    this.#taken = new Set(taken);
    this.#fine = new Set(taken);
  }

  takes(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Throws HOLDFAST_INVALID_ARGUMENT. */
  check(options: object): void {
    for (const name in options) {
      if (!this.#fine.has(name)) this.#lookAt(name, options[name as keyof typeof options]);
    }
  }

  /** Of a batch: each operation holds the options of the whole as well. What it says otherwise would go unheard. */
  checkOperations(operations: readonly object[], options: object): void {
    for (const operation of operations) {
      for (const name in operation) {
        const value = operation[name as keyof typeof operation];
        if (!this.#fine.has(name)) this.#lookAt(name, value);
        else if (
          this.#taken.has(name) &&
          !PUT.includes(name) &&
          value !== undefined &&
          value !== options?.[name as keyof object]
        )
          throw this.#refusal(name, 'an operation has none of its own, the batch has');
      }
    }
  }

  #lookAt(name: string, value: unknown): void {
    if (OURS.has(name)) {
      if (value === undefined) return;
      throw this.#refusal(name, CONDITIONAL.includes(name) ? 'write() does' : 'it would have no effect');
    }
    const meant = meantBy(name, OURS);
    if (meant !== undefined) throw this.#refusal(name, `is ${meant} meant?`);
    if (this.#fine.size < KNOWN_MAX) this.#fine.add(name);
  }

  #refusal(name: string, why: string): HoldfastError {
    return new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `${this.#what} takes no ${name}: ${why}`);
  }
}

/** Of one value or several. */
export const GET_NAMES: CallNames = new CallNames('a read', [...READ, ...FALLBACK]);
export const READ_NAMES: CallNames = new CallNames('a read of this kind', READ);
export const WRITE_NAMES: CallNames = new CallNames('a write', WRITE);
export const PUT_NAMES: CallNames = new CallNames('a put', [...WRITE, ...PUT]);
/** `ttlMs` holds for its puts, which may each have their own. */
export const BATCH_NAMES: CallNames = new CallNames('a batch', [...WRITE, ...PUT]);
/** It reads the keys that it deletes: what is there, not what was. */
export const CLEAR_NAMES: CallNames = new CallNames('clear()', [...STATE, ...WRITE]);
