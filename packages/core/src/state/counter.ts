import type { Mutation } from '@holdfast/types';
import type { CurrentRecord } from './evaluation.ts';

/** Longest decimal form of a safe integer, with its sign. */
const COUNTER_BYTES_MAX = 17;
const COUNTER_PATTERN = /^(?:0|-?[1-9][0-9]*)$/;
const DIGITS = new TextEncoder();

/** A missing key counts as 0. Undefined if the value is no integer, or the sum would leave the safe range. */
export function sumOf(
  current: CurrentRecord | undefined,
  by: number,
): { readonly value: number; readonly text: Uint8Array } | undefined {
  const before = current === undefined ? 0 : parseCounter(current.value);
  const value = before === undefined ? undefined : before + by;
  if (value === undefined || !Number.isSafeInteger(value)) return undefined;
  return { value, text: DIGITS.encode(String(value)) };
}

/** The change of a counter: it expires when it did before. */
export function counted(
  key: Uint8Array,
  value: Uint8Array,
  before: CurrentRecord | undefined,
): Extract<Mutation, { kind: 'put' }> {
  const expiresAt = before?.expiresAt;
  return expiresAt === undefined ? { kind: 'put', key, value } : { kind: 'put', key, value, expiresAt };
}

/** A counter is the decimal ASCII of a safe integer in its shortest form: no sign, zero or space to spare. */
function parseCounter(value: Uint8Array): number | undefined {
  if (value.byteLength > COUNTER_BYTES_MAX) return undefined;
  const text = String.fromCharCode.apply(null, value as unknown as number[]);
  if (!COUNTER_PATTERN.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
