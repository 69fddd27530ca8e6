declare const brand: unique symbol;

/** A type that only its own constructor makes: an index is not a count is not bytes. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** The configured name of a node, such as `n1`. */
export type NodeId = Brand<string, 'NodeId'>;
/** Random name given to a data directory when it is made: 32 hexadecimal digits. */
export type DiskId = Brand<string, 'DiskId'>;
/** Random name of one run of a node process: 32 hexadecimal digits. */
export type BootId = Brand<string, 'BootId'>;
/** Random name given to a cluster when it forms: 32 hexadecimal digits. */
export type ClusterId = Brand<string, 'ClusterId'>;
/** Random name of one replication group: 32 hexadecimal digits. */
export type DatabaseUid = Brand<string, 'DatabaseUid'>;
/** `<term>.<index>.<ordinal>` of the logged request that opened the session. */
export type SessionId = Brand<string, 'SessionId'>;

/** Election number, from 1; 0 before the first. */
export type Term = Brand<number, 'Term'>;
/** Position of an entry in the log, from 1; 0 is the empty log. */
export type LogIndex = Brand<number, 'LogIndex'>;
/** One number per mutation, growing over the whole database; 0 means "no such key". */
export type Revision = Brand<number, 'Revision'>;
/** Number of one persist order of this run, from 1, growing by one. */
export type Ticket = Brand<number, 'Ticket'>;

const NODE_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

export function isNodeId(text: string): text is NodeId {
  return NODE_ID_PATTERN.test(text);
}

export function nodeId(text: string): NodeId {
  if (!isNodeId(text)) throw new TypeError(`not a node id: ${JSON.stringify(text)}`);
  return text;
}

export function term(value: number): Term {
  return count(value, 'term') as Term;
}

export function logIndex(value: number): LogIndex {
  return count(value, 'log index') as LogIndex;
}

export function revision(value: number): Revision {
  return count(value, 'revision') as Revision;
}

export function ticket(value: number): Ticket {
  return count(value, 'ticket') as Ticket;
}

function count(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a ${what}: ${value}`);
  return value;
}
