import type { Home } from './home.ts';
import { invalidOption } from './invalid-option.ts';
import {
  checkedNames,
  checkedTtl,
  type HoldfastBatchOperation,
  type HoldfastWriteOptions,
} from './options.ts';
import type { EncodedOperation } from './requests.ts';
import type { EncodedCondition } from './write-request.ts';

const CONDITION_NAMES = ['key', 'revision'];
const DEL_NAMES = ['type', 'key', 'keyEncoding', 'sublevel'];
const PUT_NAMES = [...DEL_NAMES, 'value', 'valueEncoding', 'ttlMs'];

// What abstract-level does for its own methods, for ours: encodings and sublevels of arguments.

export function encodedOperation<TDatabase, K, V>(
  home: Home,
  operation: HoldfastBatchOperation<TDatabase, K, V>,
  options: HoldfastWriteOptions<K, V>,
): EncodedOperation {
  const { type, sublevel } = operation;
  const at = home.of(sublevel);
  const key = at.prefixedKey(operation.key, operation.keyEncoding ?? options.keyEncoding);
  if (type === 'del') {
    checkedNames(type, operation, DEL_NAMES);
    return { type, key };
  }
  if (type !== 'put') throw invalidOption('type', type, "'put' or 'del'");
  checkedNames(type, operation, PUT_NAMES);
  const encoding = operation.valueEncoding ?? options.valueEncoding;
  return {
    type,
    key,
    value: at.encodedValue(operation.value, encoding),
    ttlMs: checkedTtl(operation.ttlMs),
  };
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
