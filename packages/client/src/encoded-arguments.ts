import type { AbstractBatchOperation, AbstractLevel } from 'abstract-level';
import { LevelError } from './level-error.ts';
import { type HoldfastWriteOptions, invalidOption } from './options.ts';
import type { EncodedOperation } from './requests.ts';
import type { EncodedCondition } from './write-request.ts';

// What abstract-level does for its own methods, for ours: encodings and sublevels of arguments.

type Database = AbstractLevel<Buffer, unknown, unknown>;

export function encodedOperation<TDatabase, K, V>(
  db: unknown,
  operation: AbstractBatchOperation<TDatabase, K, V>,
  options: HoldfastWriteOptions<K, V>,
): EncodedOperation {
  const { type, sublevel } = operation;
  const home = (sublevel ?? db) as Database;
  const local = encodedKey(home, operation.key, operation.keyEncoding ?? options.keyEncoding);
  const key = sublevel === undefined ? local : home.prefixKey(local, 'buffer', false);
  if (type === 'del') return { type, key };
  if (type !== 'put') throw invalidOption('type', type, "'put' or 'del'");
  if (operation.value === null || operation.value === undefined) {
    throw new LevelError('LEVEL_INVALID_VALUE', 'Value cannot be null or undefined');
  }
  const encoding = home.valueEncoding((operation.valueEncoding ?? options.valueEncoding) as 'buffer');
  return { type, key, value: encoding.encode(operation.value as never) };
}

export function encodedKey(db: unknown, key: unknown, encoding: unknown): Buffer {
  if (key === null || key === undefined)
    throw new LevelError('LEVEL_INVALID_KEY', 'Key cannot be null or undefined');
  return (db as Database).keyEncoding(encoding as 'buffer').encode(key as never);
}

export function encodedConditions<K, V>(
  db: unknown,
  { conditions = [], keyEncoding }: HoldfastWriteOptions<K, V>,
): EncodedCondition[] {
  return conditions.map(({ key, revision }) => ({ key: encodedKey(db, key, keyEncoding), revision }));
}
