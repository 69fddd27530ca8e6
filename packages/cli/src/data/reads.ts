import { type Consistency, HoldfastError } from '@holdfast/types';
import type { ClusterOptions } from '../commands/setup.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitStatus } from '../exit-codes.ts';
import { withDatabase } from '../open-database.ts';
import { afterPrefix, isReserved } from '../reserved-keys.ts';
import { escaped, fromBytes, type TextEncoding, toBytes } from '../values.ts';

export interface ReadOptions extends ClusterOptions {
  readonly encoding: TextEncoding;
  readonly keyEncoding: TextEncoding;
  readonly consistency?: Consistency;
  readonly maxStaleness?: number;
  readonly raw?: true;
}

/** Which keys, as they are written on the command line. */
export interface RangeOptions {
  readonly keyEncoding: TextEncoding;
  readonly prefix?: string;
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
}

export interface ScanOptions extends ReadOptions, RangeOptions {
  readonly limit?: number;
  readonly reverse?: true;
  readonly keysOnly?: true;
  readonly reserved?: true;
}

export async function get(key: string, options: ReadOptions, context: Context): Promise<ExitStatus> {
  const { output } = context;
  const bytes = toBytes(key, options.keyEncoding);
  return await withDatabase(options, context, async (database) => {
    const found = await database.read(bytes, { maxStalenessMs: options.maxStaleness });
    if (found === undefined) {
      output.words('there is no such key');
      return EXIT.refused;
    }
    const { value, revision, staleness, servedBy, ttlMs } = found;
    if (options.raw === true) output.bytes(value);
    else if (options.json === true) {
      const record = jsonRecord({ key: bytes, value }, options);
      output.json({ ...record, revision, ttlMs: ttlMs ?? null, stalenessMs: staleness ?? null, servedBy });
    } else output.line(valueText(bytes, value, options));
    return EXIT.done;
  });
}

export async function scan(options: ScanOptions, context: Context): Promise<void> {
  const { output } = context;
  const range = rangeOf(options);
  await withDatabase(options, context, async (database) => {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    const withValues = options.keysOnly !== true;
    const iterator = database.iterator({
      ...range,
      reverse: options.reverse === true,
      values: withValues,
      ...(options.maxStaleness === undefined ? {} : { maxStalenessMs: options.maxStaleness }),
    });
    try {
      for await (const [key, value] of iterator) {
        if (options.reserved !== true && isReserved(key)) continue;
        if (left === 0) break;
        left -= 1;
        printRecord(key, withValues ? value : undefined, options, context);
        await output.drained();
        if (left === 0) break;
      }
    } finally {
      await iterator.close();
    }
  });
}

function printRecord(
  key: Uint8Array,
  value: Uint8Array | undefined,
  options: ScanOptions,
  { output }: Context,
): void {
  if (options.json === true) return output.json(jsonRecord({ key, value }, options));
  const fields = [keyText(key, options)];
  if (value !== undefined) fields.push(valueText(key, value, options));
  output.line(fields.map(escaped).join('\t'));
}

type Bounds = { gt?: Buffer; gte?: Buffer; lt?: Buffer; lte?: Buffer };

export function rangeOf(options: RangeOptions): Bounds {
  const bounds: Bounds = {};
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const text = options[name];
    if (text !== undefined) bounds[name] = toBytes(text, options.keyEncoding);
  }
  if (options.prefix === undefined) return bounds;
  if (Object.keys(bounds).length > 0) {
    throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'give either --prefix or bounds, not both');
  }
  const prefix = toBytes(options.prefix, options.keyEncoding);
  const end = afterPrefix(prefix);
  return end === undefined ? { gte: prefix } : { gte: prefix, lt: end };
}

/** In the encoding asked for; bytes that are no UTF-8 are never printed as if they were: then this says which. */
export function keyText(key: Uint8Array, { keyEncoding }: Pick<ReadOptions, 'keyEncoding'>): string {
  return (
    fromBytes(key, keyEncoding) ?? refuse(`the key ${hex(key)} in hex`, 'give --key-encoding hex or base64')
  );
}

export function valueText(
  key: Uint8Array,
  value: Uint8Array,
  { encoding, keyEncoding }: Pick<ReadOptions, 'encoding' | 'keyEncoding'>,
): string {
  const text = fromBytes(value, encoding);
  if (text !== undefined) return text;
  const name = fromBytes(key, keyEncoding);
  const named = name === undefined ? `${hex(key)} in hex` : escaped(name);
  return refuse(`the value of ${named}`, 'give --encoding hex or base64, or get it with --raw');
}

function refuse(what: string, remedy: string): never {
  throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `${what} is no text in UTF-8: ${remedy}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Says what key and value stand in: base64 for one that is no text. */
export function jsonRecord(
  { key, value }: { key: Uint8Array; value: Uint8Array | undefined },
  { encoding, keyEncoding }: Pick<ReadOptions, 'encoding' | 'keyEncoding'>,
): object {
  const [shownKey, keyUsed] = jsonText(key, keyEncoding);
  const record = { key: shownKey, keyEncoding: keyUsed };
  if (value === undefined) return record;
  const [shownValue, used] = jsonText(value, encoding);
  return { ...record, value: shownValue, encoding: used };
}

function jsonText(bytes: Uint8Array, encoding: TextEncoding): [text: string, used: TextEncoding] {
  const text = fromBytes(bytes, encoding);
  return text === undefined ? [Buffer.from(bytes).toString('base64'), 'base64'] : [text, encoding];
}
