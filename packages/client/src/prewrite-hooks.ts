import { BATCH_NAMES } from './call-names.ts';
import { LevelError } from './level-error.ts';
import type { EncodedOperation } from './requests.ts';

/** A put or del as its caller made it, or as the level below handed it up. */
export interface HookedOperation {
  readonly type: 'put' | 'del';
  key: unknown;
  value?: unknown;
  keyEncoding?: unknown;
  valueEncoding?: unknown;
  readonly ttlMs?: number | undefined;
  /** Of that one instead. */
  readonly sublevel?: unknown;
}

interface Encoding {
  encode(data: unknown): Buffer;
}

interface PrewriteBatch {
  add(operation: HookedOperation): this;
}

/** What is used of a database or sublevel; undocumented in abstract-level's types. */
interface HookedLevel {
  /** Null: it is the root. */
  readonly parent: HookedLevel | null;
  readonly hooks: {
    readonly prewrite: {
      readonly noop: boolean;
      run(operation: HookedOperation, batch: PrewriteBatch): void;
    };
  };
  keyEncoding(asked: unknown): Encoding;
  valueEncoding(asked: unknown): Encoding;
  prefixKey(key: Buffer, format: 'buffer', local: boolean): Buffer;
  _assertValidKey(key: unknown): void;
  _assertValidValue(value: unknown): void;
}

const unhooked = new WeakSet<object>();

/** What is written in it is Holdfast's own, and shown to no hook: it might add to it, or refuse it. */
export function withoutHooks<Level extends object>(sublevel: Level): Level {
  unhooked.add(sublevel);
  return sublevel;
}

export function isUnhooked(sublevel: unknown): boolean {
  return typeof sublevel === 'object' && sublevel !== null && unhooked.has(sublevel);
}

/**
 * The prewrite hooks of a database or sublevel, and of all that it is in, for the writes that abstract-level knows nothing
 * of: the innermost first, each given operations as its level has them, and what those before it added.
 */
export class PrewriteHooks {
  readonly #level: HookedLevel;

  constructor(db: unknown) {
    this.#level = db as HookedLevel;
  }

  /** Looks at them anew: they come and go. */
  get areNone(): boolean {
    if (isUnhooked(this.#level)) return true;
    return levelsFrom(this.#level).every(({ hooks }) => hooks.prewrite.noop);
  }

  /**
   * Each operation as hooks leave it, in order, and behind them all that hooks have added; encoded, with the prefixes that keys
   * have in the whole database. Throws LEVEL_HOOK_ERROR, and HOLDFAST_INVALID_ARGUMENT for what would not be heeded.
   */
  run(given: readonly HookedOperation[]): EncodedOperation[] {
    let operations = given;
    for (const level of levelsFrom(this.#level)) operations = ranAt(level, operations);
    BATCH_NAMES.checkOperations(operations, {});
    return operations.map(({ type, key, value, ttlMs }) =>
      type === 'del'
        ? { type, key: key as Buffer }
        : { type, key: key as Buffer, value: value as Buffer, ttlMs },
    );
  }
}

function levelsFrom(level: HookedLevel): HookedLevel[] {
  const levels = [level];
  for (let next = level.parent; next !== null; next = next.parent) levels.push(next);
  return levels;
}

/** As the level above has them. */
function ranAt(level: HookedLevel, operations: readonly HookedOperation[]): HookedOperation[] {
  const { prewrite } = level.hooks;
  const added: HookedOperation[] = [];
  const batch: PrewriteBatch = {
    add(operation) {
      added.push(encodedAt(level, normalized(level, operation)));
      return this;
    },
  };
  const own = operations.map((given) => {
    const { type, sublevel } = given;
    const operation = normalized(level, { ...given });
    if (prewrite.noop) return encodedAt(level, operation);
    try {
      prewrite.run(operation, batch);
      // It may have named other encodings; which key of which level it is a write of is not its business.
      return encodedAt(level, normalized(level, { ...operation, type, sublevel }));
    } catch (cause) {
      throw new LevelError('LEVEL_HOOK_ERROR', 'The prewrite hook failed', cause, 'not-applied');
    }
  });
  return [...own, ...added];
}

/** Its encodings are objects, as hooks expect them. */
function normalized(level: HookedLevel, operation: HookedOperation): HookedOperation {
  const at = homeOf(operation, level);
  at._assertValidKey(operation.key);
  operation.keyEncoding = at.keyEncoding(operation.keyEncoding);
  if (operation.type === 'put') {
    at._assertValidValue(operation.value);
    operation.valueEncoding = at.valueEncoding(operation.valueEncoding);
  } else if (operation.type !== 'del') {
    throw new TypeError("An operation must have a type property that is 'put' or 'del'");
  }
  return operation;
}

function encodedAt(level: HookedLevel, operation: HookedOperation): HookedOperation {
  const at = homeOf(operation, level);
  const key = (operation.keyEncoding as Encoding).encode(operation.key);
  const isBeside = !levelsFrom(at).includes(level);
  // One that is not inside is handed up to whom it is inside of.
  const isHandedUp = isBeside && level.parent !== null;
  const encoded: HookedOperation = {
    ...operation,
    key: isHandedUp ? key : prefixed(key, at, level),
    keyEncoding: 'buffer',
    sublevel: isHandedUp ? at : undefined,
  };
  if (operation.type === 'put') {
    encoded.value = (operation.valueEncoding as Encoding).encode(operation.value);
    encoded.valueEncoding = 'buffer';
  }
  return encoded;
}

/** With the prefixes of all levels from `at` to `level`. */
function prefixed(key: Buffer, at: HookedLevel, level: HookedLevel): Buffer {
  let whole = key;
  for (let next: HookedLevel | null = at; next !== null; next = next.parent) {
    whole = next.prefixKey(whole, 'buffer', true);
    if (next === level) break;
  }
  return whole;
}

function homeOf({ sublevel }: HookedOperation, level: HookedLevel): HookedLevel {
  return sublevel === undefined || sublevel === null ? level : (sublevel as HookedLevel);
}
