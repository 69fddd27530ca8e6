import {
  type Ack,
  assertNever,
  type Branch,
  type Condition,
  type Operation,
  type Revision,
  type StepResult,
  type Term,
} from '@holdfast/types';
import type { AbstractPutOptions, AbstractSublevel } from 'abstract-level';
import type { Home } from './home.ts';
import { invalidOption } from './invalid-option.ts';
import { LevelError } from './level-error.ts';
import { conditionOf, type Lock } from './locks/lock.ts';
import {
  type CallOptions,
  checkedNames,
  checkedRevision,
  checkedTtl,
  definedOf,
  type WriteCallOptions,
} from './options.ts';
import { isUnhooked, type PrewriteHooks } from './prewrite-hooks.ts';
import type { EncodedOperation } from './requests.ts';

/** What a key or value of one condition or step may say about itself; by default as the database. */
interface Encodings<K, V> {
  readonly keyEncoding?: AbstractPutOptions<K, V>['keyEncoding'];
  readonly valueEncoding?: AbstractPutOptions<K, V>['valueEncoding'];
}

/** Of that sublevel instead of the database the call is made on. */
interface InSublevel {
  // biome-ignore lint/suspicious/noExplicitAny: as abstract-level types the sublevels of its batch operations.
  readonly sublevel?: AbstractSublevel<any, any, any, any> | undefined;
}

/** What a condition asks of its key: exactly one of the three. */
type Expectation<V> =
  /** It has this revision; 0: it is absent. */
  | { readonly revision: number; readonly value?: undefined; readonly absent?: undefined }
  /** It has exactly this value, as it is encoded. */
  | { readonly value: V; readonly revision?: undefined; readonly absent?: undefined }
  /** It is absent, or with `false` it is there. */
  | { readonly absent: boolean; readonly revision?: undefined; readonly value?: undefined };

export type TransactionCondition<K, V> =
  | ({ readonly key: K } & Expectation<V> & Encodings<K, V> & InSublevel)
  /** The lock is still held by who holds it here, whatever its own clock says. */
  | { readonly lock: Lock };

export type TransactionStep<K, V> =
  /** Lives for `ttlMs` milliseconds; without it: stays. */
  (
    | { readonly type: 'put'; readonly key: K; readonly value: V; readonly ttlMs?: number | undefined }
    | { readonly type: 'del'; readonly key: K }
    /** The key, as it is, lives for `ttlMs` milliseconds from now on. */
    | { readonly type: 'expire'; readonly key: K; readonly ttlMs: number }
    /** It stays. */
    | { readonly type: 'persist'; readonly key: K }
    /** Adds to the integer stored as decimal digits, a missing key counting as 0. */
    | { readonly type: 'increment'; readonly key: K; readonly by?: number | undefined }
    | { readonly type: 'get'; readonly key: K }
  ) &
    Encodings<K, V> &
    InSublevel;

export interface Transaction<K, V> {
  /** All must hold, or the other branch runs. None: `then` runs. */
  readonly if?: readonly TransactionCondition<K, V>[] | undefined;
  readonly then?: readonly TransactionStep<K, V>[] | undefined;
  readonly else?: readonly TransactionStep<K, V>[] | undefined;
}

export interface HoldfastTransactionOptions<K, V> extends CallOptions, Encodings<K, V> {
  /** A transaction is decided by what was there before: `quorum` at least. */
  readonly ack?: Exclude<Ack, 'local'> | undefined;
}

/** What one step came to. Each sees what the steps before it did. */
export type TransactionStepResult<V> =
  | { readonly type: 'put' | 'del'; readonly revision: Revision }
  /** `revision` 0: there is no such key. */
  | { readonly type: 'expire' | 'persist'; readonly revision: Revision }
  | { readonly type: 'increment'; readonly value: number; readonly revision: Revision }
  /** `value` undefined, and `revision` 0: there is no such key. */
  | { readonly type: 'get'; readonly value: V | undefined; readonly revision: Revision };

export interface TransactionSummary<V> {
  /** `then` if all conditions held. */
  readonly branch: Branch;
  /** Of the branch that ran, in its order; not of what hooks added to it. */
  readonly steps: readonly TransactionStepResult<V>[];
  /** Of its last change, or of the state that it read. */
  readonly revision: Revision;
  readonly term: Term;
  /** The level reached: at least the one asked for. */
  readonly ack: Ack;
  /** Voters known to hold it durably. */
  readonly copies: number;
  /** An earlier attempt of this same call was the one that ran. */
  readonly repeated: boolean;
}

/** Encoded, its keys with the prefixes of their sublevels. */
export interface EncodedTransaction {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  readonly otherwise: readonly Operation[];
  /** Conditions as well, of keys as they are stored. */
  readonly locks?: readonly Condition[];
}

interface StepShape {
  readonly type: TransactionStep<unknown, unknown>['type'];
  readonly at: Home;
  readonly encoding: unknown;
}

const TRANSACTION_NAMES = ['if', 'then', 'else'];
const ENCODING_NAMES = ['keyEncoding', 'valueEncoding'];
const OPTION_NAMES = [...ENCODING_NAMES, 'ack', 'timeoutMs', 'signal', 'whenNoPrimary'];
const PART_NAMES = [...ENCODING_NAMES, 'key', 'sublevel'];
const CONDITION_NAMES = [...PART_NAMES, 'revision', 'value', 'absent'];
const STEP_NAMES: Readonly<Record<string, readonly string[]>> = {
  put: [...PART_NAMES, 'type', 'value', 'ttlMs'],
  del: [...PART_NAMES, 'type'],
  increment: [...PART_NAMES, 'type', 'by'],
  get: [...PART_NAMES, 'type'],
  expire: [...PART_NAMES, 'type', 'ttlMs'],
  persist: [...PART_NAMES, 'type'],
};

export function encodedTransaction<K, V>(
  home: Home,
  transaction: Transaction<K, V>,
  options: HoldfastTransactionOptions<K, V>,
  hooks: PrewriteHooks,
): EncodedTransaction {
  checkedNames('transaction', transaction, TRANSACTION_NAMES);
  checkedNames('options', options, OPTION_NAMES);
  const conditions: Condition[] = [];
  const locks: Condition[] = [];
  for (const one of partsOf('if', transaction.if)) {
    if (one !== null && typeof one === 'object' && 'lock' in one) locks.push(lockCondition(one));
    else conditions.push(encodedCondition(home, one, options));
  }
  const branch = (steps: readonly TransactionStep<K, V>[]): Operation[] =>
    hooks.areNone
      ? steps.map((step) => encodedStep(home, checkedStep(step), options))
      : hookedBranch(home, steps, options, hooks);
  const operations = branch(partsOf('then', transaction.then));
  const otherwise = branch(partsOf('else', transaction.else));
  if (conditions.length + locks.length + operations.length + otherwise.length === 0)
    throw invalidOption('transaction', transaction, 'at least one condition or step');
  return { conditions, operations, otherwise, locks };
}

/** Quorum where nothing is said, and never less: a database whose default is `local` has transactions, too. */
export function withTransactionAck<Options extends WriteCallOptions>(
  options: Options,
  otherwise: Ack | undefined,
): Options {
  if (options.ack === 'local') throw invalidOption('ack', options.ack, "'quorum' or 'all'");
  return { ...options, ack: options.ack ?? (otherwise === 'local' ? 'quorum' : otherwise) };
}

/** What is needed of the steps to tell their results: the caller may do with its objects what it likes meanwhile. */
export function shapeOf<K, V>(
  home: Home,
  transaction: Transaction<K, V>,
  options: HoldfastTransactionOptions<K, V>,
): Readonly<Record<Branch, readonly StepShape[]>> {
  const shapes = (steps: readonly TransactionStep<K, V>[] = []): StepShape[] =>
    steps.map(({ type, sublevel, valueEncoding }) => ({
      type,
      at: home.of(sublevel),
      encoding: valueEncoding ?? options.valueEncoding,
    }));
  return { then: shapes(transaction.then), else: shapes(transaction.else) };
}

/** Decodes what the steps of the branch that ran came to. A value that cannot be decoded leaves it as it is: applied. */
export function stepResults<V>(
  shapes: readonly StepShape[],
  results: readonly StepResult[],
): TransactionStepResult<V>[] {
  // Behind them are those of what hooks added.
  return shapes.map(({ type, at, encoding }, place): TransactionStepResult<V> => {
    const result = results[place]!;
    if (type !== 'increment' && type !== 'get') return { type, revision: revisionOf(result) };
    if (type === 'increment') {
      const value = result.kind === 'counter' ? result.value : 0;
      return { type, value, revision: revisionOf(result) };
    }
    if (result.kind !== 'found') return { type, value: undefined, revision: 0 as Revision };
    return { type, value: at.decodedValue<V>(result.value, encoding, 'applied'), revision: result.revision };
  });
}

function revisionOf(result: StepResult): Revision {
  return result.kind === 'missing' ? (0 as Revision) : result.revision;
}

function partsOf<Part>(name: string, parts: readonly Part[] | undefined): readonly Part[] {
  if (parts === undefined) return [];
  if (!Array.isArray(parts)) throw invalidOption(name, parts, 'an array');
  return parts;
}

function lockCondition(condition: { readonly lock: Lock }): Condition {
  checkedNames('condition', condition, ['lock']);
  const encoded = conditionOf(condition.lock);
  if (encoded === undefined) throw invalidOption('lock', condition.lock, 'a lock');
  return encoded;
}

function encodedCondition<K, V>(
  home: Home,
  condition: Exclude<TransactionCondition<K, V>, { readonly lock: Lock }>,
  options: Encodings<K, V>,
): Condition {
  checkedNames('condition', condition, CONDITION_NAMES);
  const { revision, value, absent } = condition;
  const at = home.of(condition.sublevel);
  const key = at.prefixedKey(condition.key, condition.keyEncoding ?? options.keyEncoding);
  const asked = [revision, value, absent].filter((one) => one !== undefined);
  if (asked.length !== 1) throw invalidOption('condition', condition, 'one of revision, value and absent');
  if (revision !== undefined) {
    const expected = checkedRevision('revision', revision) as Revision;
    return expected === 0 ? { kind: 'absent', key } : { kind: 'revision', key, revision: expected };
  }
  if (absent !== undefined) {
    if (typeof absent !== 'boolean') throw invalidOption('absent', absent, 'true or false');
    return { kind: absent ? 'absent' : 'present', key };
  }
  return {
    kind: 'value',
    key,
    value: encodedValue(at, value, condition.valueEncoding ?? options.valueEncoding),
  };
}

/** Its puts and dels as hooks leave them, and what hooks have added behind all of its steps. */
function hookedBranch<K, V>(
  home: Home,
  given: readonly TransactionStep<K, V>[],
  options: Encodings<K, V>,
  hooks: PrewriteHooks,
): Operation[] {
  const steps = given.map(checkedStep);
  const { keyEncoding, valueEncoding } = options;
  const written = hooks.run(
    steps.filter(isHooked).map((step) => ({ keyEncoding, valueEncoding, ...definedOf(step) })),
  );
  const operations = written.map(writtenStep);
  const own = steps.map((step) => (isHooked(step) ? operations.shift()! : encodedStep(home, step, options)));
  return [...own, ...operations];
}

/** Hooks know of puts and dels. What the others come to is known when they are carried out. */
function isHooked<K, V>(
  step: TransactionStep<K, V>,
): step is Extract<TransactionStep<K, V>, { type: 'put' | 'del' }> {
  return (step.type === 'put' || step.type === 'del') && !isUnhooked(step.sublevel);
}

function writtenStep(operation: EncodedOperation): Operation {
  const { type, key } = operation;
  if (type === 'del') return { kind: type, key };
  const ttlMs = checkedTtl(operation.ttlMs);
  return { kind: type, key, value: operation.value, ...(ttlMs === undefined ? {} : { ttlMs }) };
}

/** Throws HOLDFAST_INVALID_ARGUMENT. */
function checkedStep<K, V>(step: TransactionStep<K, V>): TransactionStep<K, V> {
  const names =
    typeof step?.type === 'string' && Object.hasOwn(STEP_NAMES, step.type)
      ? STEP_NAMES[step.type]
      : undefined;
  if (names === undefined)
    throw invalidOption('type', step?.type, `one of ${Object.keys(STEP_NAMES).join(', ')}`);
  checkedNames(step.type, step, names);
  return step;
}

function encodedStep<K, V>(home: Home, step: TransactionStep<K, V>, options: Encodings<K, V>): Operation {
  const at = home.of(step.sublevel);
  const key = at.prefixedKey(step.key, step.keyEncoding ?? options.keyEncoding);
  switch (step.type) {
    case 'put': {
      const value = encodedValue(at, step.value, step.valueEncoding ?? options.valueEncoding);
      const ttlMs = checkedTtl(step.ttlMs);
      return ttlMs === undefined ? { kind: 'put', key, value } : { kind: 'put', key, value, ttlMs };
    }
    case 'del':
    case 'get':
      return { kind: step.type, key };
    case 'increment': {
      const by = step.by ?? 1;
      if (!Number.isSafeInteger(by)) throw invalidOption('by', by, 'a safe integer');
      return { kind: 'increment', key, by };
    }
    case 'expire':
      return { kind: 'expire', key, ttlMs: requiredTtl(step.ttlMs) };
    case 'persist':
      return { kind: 'expire', key };
    default:
      return assertNever(step);
  }
}

/** Of an `expire`, which without it would do the opposite. Throws HOLDFAST_INVALID_ARGUMENT. */
export function requiredTtl(ttlMs: number): number {
  const checked = checkedTtl(ttlMs);
  if (checked === undefined) throw invalidOption('ttlMs', ttlMs, 'milliseconds');
  return checked;
}

function encodedValue(at: Home, value: unknown, encoding: unknown): Uint8Array {
  if (value === null || value === undefined)
    throw new LevelError('LEVEL_INVALID_VALUE', 'Value cannot be null or undefined');
  return at.encodedValue(value, encoding);
}
