import { HoldfastError } from '@holdfast/types';
import { type TextEncoding, toBytes } from '../values.ts';

export interface BatchLine {
  readonly operation:
    | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer; readonly ttlMs?: number }
    | { readonly type: 'del'; readonly key: Buffer };
  /** 0: absent. Undefined: whatever it is. */
  readonly ifRevision: number | undefined;
}

export interface Encodings {
  /** Of values. */
  readonly encoding: TextEncoding;
  readonly keyEncoding: TextEncoding;
}

/** `put k v`, `del k`, or JSON. Blank lines and lines that begin with # are passed over. */
export function parseBatch(text: string, encodings: Encodings): BatchLine[] {
  const lines: BatchLine[] = [];
  text.split('\n').forEach((raw, at) => {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) return;
    try {
      lines.push(line.startsWith('{') ? parseJson(line, encodings) : parseWords(line, encodings));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', `line ${at + 1}: ${reason}`);
    }
  });
  if (lines.length === 0) throw new HoldfastError('HOLDFAST_INVALID_ARGUMENT', 'there are no operations');
  return lines;
}

function parseWords(line: string, { encoding, keyEncoding }: Encodings): BatchLine {
  const [, verb, key, value] = /^\s*(\S+)\s+(\S+)(?:[ \t](.*))?$/.exec(line) ?? [];
  if (key !== undefined && verb === 'put' && value !== undefined) {
    const operation = {
      type: 'put',
      key: toBytes(key, keyEncoding),
      value: toBytes(value, encoding),
    } as const;
    return { operation, ifRevision: undefined };
  }
  if (key !== undefined && verb === 'del' && (value ?? '').trim() === '') {
    return { operation: { type: 'del', key: toBytes(key, keyEncoding) }, ifRevision: undefined };
  }
  throw new Error('expected "put <key> <value>", "del <key>" or a JSON object');
}

function parseJson(line: string, { encoding, keyEncoding }: Encodings): BatchLine {
  const { type, key, value, ttlMs, ifRevision, ifAbsent, ...others } = JSON.parse(line) as Record<
    string,
    unknown
  >;
  const strange = Object.keys(others)[0];
  if (strange !== undefined) throw new Error(`there is no field ${JSON.stringify(strange)}`);
  if (typeof key !== 'string') throw new Error('key must be a text');
  if (ifRevision !== undefined && !(Number.isSafeInteger(ifRevision) && (ifRevision as number) >= 0))
    throw new Error('ifRevision must be a revision');
  // A condition that is not understood must not be left out.
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean')
    throw new Error('ifAbsent must be true or false');
  if (ifAbsent === true && ifRevision !== undefined) throw new Error('give either ifRevision or ifAbsent');
  const expected = ifAbsent === true ? 0 : (ifRevision as number | undefined);
  if (ttlMs !== undefined && (type !== 'put' || typeof ttlMs !== 'number'))
    throw new Error('ttlMs must be a number, of a put');
  if (type === 'del') return { operation: { type, key: toBytes(key, keyEncoding) }, ifRevision: expected };
  if (type !== 'put') throw new Error('type must be put or del');
  if (typeof value !== 'string') throw new Error('value must be a text');
  const put = { type, key: toBytes(key, keyEncoding), value: toBytes(value, encoding) } as const;
  return { operation: ttlMs === undefined ? put : { ...put, ttlMs }, ifRevision: expected };
}
