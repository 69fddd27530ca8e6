import type { Home } from './home.ts';
import { invalidOption } from './invalid-option.ts';
import {
  checkedNames,
  checkedTtl,
  type HoldfastBatchOperation,
  type HoldfastWriteOptions,
} from './options.ts';
import type { HookedOperation } from './prewrite-hooks.ts';
import type { EncodedOperation } from './requests.ts';
import type { EncodedCondition } from './write-request.ts';

const CONDITION_NAMES = ['key', 'revision'];
const DEL_NAMES = ['type', 'key', 'keyEncoding', 'sublevel'];
const PUT_NAMES = [...DEL_NAMES, 'value', 'valueEncoding', 'ttlMs'];

// What abstract-level does for its own methods, for ours: encodings and sublevels of arguments.

export function encodedOperation<TDatabase, K, V>(
  home: Home,
  given: HoldfastBatchOperation<TDatabase, K, V>,
  options: HoldfastWriteOptions<K, V>,
): EncodedOperation {
  const operation = checkedOperation(given);
  const at = home.of(operation.sublevel);
  const key = at.prefixedKey(operation.key, operation.keyEncoding ?? options.keyEncoding);
  if (operation.type === 'del') return { type: 'del', key };
  const encoding = operation.valueEncoding ?? options.valueEncoding;
  return {
    type: 'put',
    key,
    value: at.encodedValue(operation.value, encoding),
    ttlMs: checkedTtl(operation.ttlMs),
  };
}

/** As hooks are shown it: with the encodings of the call where it names none. */
export function hookedOperation<TDatabase, K, V>(
  given: HoldfastBatchOperation<TDatabase, K, V>,
  options: HoldfastWriteOptions<K, V>,
): HookedOperation {
  const operation = checkedOperation(given);
  const keyEncoding = operation.keyEncoding ?? options.keyEncoding;
  if (operation.type === 'del') return { ...operation, keyEncoding };
  return { ...operation, keyEncoding, valueEncoding: operation.valueEncoding ?? options.valueEncoding };
}

function checkedOperation<TDatabase, K, V>(
  operation: HoldfastBatchOperation<TDatabase, K, V>,
): HoldfastBatchOperation<TDatabase, K, V> {
  const { type } = operation;
  if (type !== 'put' && type !== 'del') throw invalidOption('type', type, "'put' or 'del'");
  checkedNames(type, operation, type === 'put' ? PUT_NAMES : DEL_NAMES);
  return operation;
}

export function encodedConditions<K, V>(
  home: Home,
  { conditions = [], keyEncoding }: HoldfastWriteOptions<K, V>,
): EncodedCondition[] {
  if (!Array.isArray(conditions)) throw invalidOption('conditions', conditions, 'an array');
  return conditions.map((condition: NonNullable<typeof conditions>[number]) => {
    checkedNames('condition', condition, CONDITION_NAMES);
    return { key: home.prefixedKey(condition.key, keyEncoding), revision: condition.revision };
  });
}
