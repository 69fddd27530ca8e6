import type {
  BootId,
  ClusterId,
  DatabaseUid,
  DiskId,
  LogIndex,
  NodeId,
  Position,
  Revision,
  SessionId,
  Term,
} from '@holdfast/types';
import { assert, isNodeId } from '@holdfast/types';
import { invalid, within } from './invalid.ts';
import type { Packable } from './message-pack.ts';

const HEX_NAME_PATTERN = /^[0-9a-f]{32}$/;
const SESSION_PATTERN = /^(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})$/;
/** Database names follow the rule of node names. */
const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** Longest free text (reasons, error messages, addresses) in UTF-16 units; senders cut theirs. */
const TEXT_LENGTH_MAX = 2048;

export function list(
  value: unknown,
  field: string,
  bounds: { min?: number; max?: number } = {},
): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'not an array');
  if (bounds.min !== undefined && value.length < bounds.min) {
    throw invalid(field, `${value.length} elements, at least ${bounds.min} expected`);
  }
  if (bounds.max !== undefined && value.length > bounds.max) {
    throw invalid(field, `${value.length} elements, at most ${bounds.max} allowed`);
  }
  return value;
}

/** Reads each element with a function that exists once; an error names the element's position. */
export function each<Item>(
  values: readonly unknown[],
  field: string,
  read: (value: unknown) => Item,
): Item[] {
  const items: Item[] = [];
  let position = 0;
  try {
    for (; position < values.length; position += 1) items.push(read(values[position]));
  } catch (error) {
    throw within(error, `${field}[${position}]`);
  }
  return items;
}

/** A whole number from 0. */
export function count(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalid(field, 'not a whole number from 0');
  // The wire can carry -0; nobody inside should have to think of it.
  return (value as number) + 0;
}

export function positive(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw invalid(field, 'not a whole number from 1');
  return value as number;
}

export function integer(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value)) throw invalid(field, 'not a whole number of at most 53 bits');
  return (value as number) + 0;
}

/** Milliseconds, fractional, from 0. */
export function duration(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw invalid(field, 'not a finite number from 0');
  }
  return value + 0;
}

/** Milliseconds, or -1: unknown. */
export function staleness(value: unknown, field: string): number {
  return value === -1 ? -1 : duration(value, field);
}

export function flag(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw invalid(field, 'not a boolean');
  return value;
}

export function binary(value: unknown, field: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid(field, 'not a byte string');
  return value;
}

export function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(field, 'not text');
  if (value.length > TEXT_LENGTH_MAX) throw invalid(field, `longer than ${TEXT_LENGTH_MAX} characters`);
  return value;
}

/** Sent texts are made by us, but may quote something long. */
export function shortened(value: string): string {
  return value.length > TEXT_LENGTH_MAX ? value.slice(0, TEXT_LENGTH_MAX) : value;
}

/** One of a closed list, sent as its position in it. */
export function choice<Value>(value: unknown, choices: readonly Value[], field: string): Value {
  const chosen = typeof value === 'number' ? choices[value] : undefined;
  if (chosen === undefined) throw invalid(field, 'unknown code');
  return chosen;
}

export function codeOf<Value>(value: Value, choices: readonly Value[]): number {
  const code = choices.indexOf(value);
  assert(code >= 0, 'a value to send is not in its table');
  return code;
}

export function term(value: unknown, field: string): Term {
  return count(value, field) as Term;
}

export function logIndex(value: unknown, field: string): LogIndex {
  return count(value, field) as LogIndex;
}

export function revision(value: unknown, field: string): Revision {
  return count(value, field) as Revision;
}

export function position(index: unknown, ofTerm: unknown, field: string): Position {
  return { index: logIndex(index, `${field}.index`), term: term(ofTerm, `${field}.term`) };
}

export function nodeId(value: unknown, field: string): NodeId {
  if (typeof value !== 'string' || !isNodeId(value)) throw invalid(field, 'not a node id');
  return value;
}

function hexName(value: unknown, field: string): string {
  if (typeof value !== 'string' || !HEX_NAME_PATTERN.test(value))
    throw invalid(field, 'not 32 hexadecimal digits');
  return value;
}

export function diskId(value: unknown, field: string): DiskId {
  return hexName(value, field) as DiskId;
}

export function bootId(value: unknown, field: string): BootId {
  return hexName(value, field) as BootId;
}

export function clusterId(value: unknown, field: string): ClusterId {
  return hexName(value, field) as ClusterId;
}

export function databaseUid(value: unknown, field: string): DatabaseUid {
  return hexName(value, field) as DatabaseUid;
}

/** Empty before the cluster has formed. */
export function databaseUidOrNone(value: unknown, field: string): DatabaseUid | '' {
  return value === '' ? '' : databaseUid(value, field);
}

export function databaseName(value: unknown, field: string): string {
  if (typeof value !== 'string' || !NAME_PATTERN.test(value)) throw invalid(field, 'not a database name');
  return value;
}

export function sessionId(value: unknown, field: string): SessionId {
  if (typeof value !== 'string' || !SESSION_PATTERN.test(value)) throw invalid(field, 'not a session id');
  return value as SessionId;
}

/** For what may be absent: sent as nil. */
export function optional<Value>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => Value,
): Value | undefined {
  return value === null ? undefined : read(value, field);
}

export function orNil<Value extends Packable>(value: Value | undefined): Value | null {
  return value === undefined ? null : value;
}

/** The parts of a message: exactly `length` of them. */
export function parts(value: unknown, field: string, length: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, 'not an array');
  if (value.length !== length) throw invalid(field, `${value.length} parts, ${length} expected`);
  return value;
}
