import type {
  DatabaseUid,
  Entry,
  EntryBody,
  EntryRequest,
  LogIndex,
  Mutation,
  Revision,
  SessionId,
  Term,
  WriteResult,
} from '@holdfast/types';

const DATABASE = 'd'.repeat(32) as DatabaseUid;

export const term = (value: number): Term => value as Term;
export const index = (value: number): LogIndex => value as LogIndex;
export const revision = (value: number): Revision => value as Revision;
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function entry(at: {
  readonly index: number;
  readonly term?: number;
  readonly previousTerm?: number;
  readonly logTime?: number;
  readonly firstRevision?: number;
  readonly body?: EntryBody;
}): Entry {
  return {
    database: DATABASE,
    index: index(at.index),
    term: term(at.term ?? 1),
    previousTerm: term(at.previousTerm ?? at.term ?? 1),
    logTime: at.logTime ?? at.index,
    firstRevision: revision(at.firstRevision ?? at.index),
    body: at.body ?? { kind: 'noop' },
  };
}

export function write(
  session: SessionId,
  options: {
    readonly sequence: number;
    readonly floor?: number;
    readonly result: WriteResult;
    readonly mutations?: number;
  },
): EntryRequest {
  const mutation: Mutation = { kind: 'del', key: bytes('k') };
  return {
    kind: 'write',
    session,
    sequence: options.sequence,
    floor: options.floor ?? 0,
    ack: 'quorum',
    mutations: Array.from({ length: options.mutations ?? 1 }, () => mutation),
    result: options.result,
  };
}

export function written(at: number): WriteResult {
  return { kind: 'written', revision: revision(at) };
}
