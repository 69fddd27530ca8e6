import { HoldfastError } from '@holdfast/types';
import { InvalidArgumentError } from 'commander';

const UNITS_MS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500`, `500ms`, `1.5s`, `2m`, `1h`, in milliseconds, above 0. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) * UNITS_MS[match[2] as string]!;
  if (!(value > 0 && value <= 2_147_483_647)) {
    throw new InvalidArgumentError('Expected a duration such as 500ms, 30s or 2m.');
  }
  return value;
}

/** A whole number from `min` on. */
export function wholeNumber(min: number, what: string): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`Expected ${what}: a whole number from ${min} on.`);
    }
    return value;
  };
}

export function integer(text: string): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

/** How keys and values stand in arguments and output. */
export type TextEncoding = 'utf8' | 'hex' | 'base64';
export const TEXT_ENCODINGS: readonly TextEncoding[] = ['utf8', 'hex', 'base64'];

/** Throws HOLDFAST_INVALID_ARGUMENT for text that is not of the encoding: Buffer would drop the rest in silence. */
export function toBytes(text: string, encoding: TextEncoding): Buffer {
  if (encoding === 'utf8') return Buffer.from(text, 'utf8');
  const compact = text.trim();
  const isValid =
    encoding === 'hex'
      ? /^([0-9a-f]{2})*$/i.test(compact)
      : /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/.test(compact);
  if (!isValid) {
    throw new HoldfastError(
      'HOLDFAST_INVALID_ARGUMENT',
      `not ${encoding}: ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  return Buffer.from(compact, encoding);
}

/** Undefined for bytes that are no text in UTF-8. */
export function fromBytes(bytes: Uint8Array, encoding: TextEncoding): string | undefined {
  if (encoding !== 'utf8') return Buffer.from(bytes).toString(encoding);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** One field of a line: no tab, line break or terminal control comes out of it. Reversible. */
export function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\\\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
