import type { Ack, DueKey, EntryRequest, Mutation, Revision, SessionId } from '@holdfast/types';
import { assertNever, mutationsOf } from '@holdfast/types';
import {
  binary,
  choice,
  codeOf,
  count,
  flag,
  list,
  optional,
  orNil,
  parts,
  positive,
  sessionId,
} from './fields.ts';
import { invalid, within } from './invalid.ts';
import type { Packable } from './message-pack.ts';
import { pushWriteResult, RESULT_PARTS, readWriteResult } from './write-result.ts';

/** Codes of requests; part of the format on disk. */
const RUN = 0;
const WRITE = 1;
const OPEN_SESSION = 2;
const CLOSE_SESSION = 3;
const EXPIRE = 4;

export const ACKS: readonly Ack[] = ['local', 'quorum', 'all'];
const CLOSE_REASONS = ['closed', 'expired', 'evicted'] as const;

/** [RUN, caller, ack, sequence, key, value, key, value, …] */
const RUN_HEAD_PARTS = 4;
/** [WRITE, caller, ack, sequence, mutations, …result], and if a mutation has anything to do with expiry, expiries. */
const WRITE_PARTS: number = 5 + RESULT_PARTS;
/** Expiries lie flat: place of the mutation, when it expires or nil, when what it replaces did or nil. */
const EXPIRY_PARTS = 3;
/** So do the keys of [EXPIRE, due]: key, expiry, whether it is deleted. */
const DUE_PARTS = 3;

type WriteInEntry = Extract<EntryRequest, { kind: 'write' }>;

/** A session with the floor its requests carry; requests refer to it by its place in the entry's table. */
interface Caller {
  readonly session: SessionId;
  readonly floor: number;
}

/**
 * The requests of an entry as two parts: the table of callers, flat [session, floor, …], and the requests.
 *
 * Most requests are one put each, with the next sequence of the same session and the very revision that counting
 * up gives: such neighbours become one run that holds only keys and values.
 */
export function packRequests(
  requests: readonly EntryRequest[],
  firstRevision: Revision,
): [Packable[], Packable[]] {
  const callers: Packable[] = [];
  const packed: Packable[] = [];
  let run: Packable[] | undefined;
  let last: WriteInEntry | undefined;
  let caller = -1;
  let revision: number = firstRevision;
  for (const request of requests) {
    switch (request.kind) {
      case 'write': {
        const put = plainPut(request, revision);
        revision += request.mutations.length;
        const sameCaller =
          last !== undefined && last.session === request.session && last.floor === request.floor;
        const follows = sameCaller && last?.sequence === request.sequence - 1 && last.ack === request.ack;
        if (!sameCaller) caller = placeOf(callers, request);
        last = request;
        if (put === undefined) {
          run = undefined;
          packed.push(packWrite(request, caller));
        } else if (run !== undefined && follows) {
          run.push(put.key, put.value);
        } else {
          run = [RUN, caller, codeOf(request.ack, ACKS), request.sequence, put.key, put.value];
          packed.push(run);
        }
        break;
      }
      case 'openSession':
        run = undefined;
        packed.push([OPEN_SESSION]);
        break;
      case 'closeSession':
        run = undefined;
        packed.push([CLOSE_SESSION, request.session, codeOf(request.reason, CLOSE_REASONS)]);
        break;
      case 'expire':
        run = undefined;
        packed.push([EXPIRE, packDue(request.due)]);
        revision += mutationsOf(request).length;
        break;
      default:
        assertNever(request);
    }
  }
  return [callers, packed];
}

export function readRequests(
  callersPart: unknown,
  requestsPart: unknown,
  firstRevision: Revision,
): EntryRequest[] {
  const callers = readCallers(callersPart);
  const packed = list(requestsPart, 'requests');
  const requests: EntryRequest[] = [];
  let revision: number = firstRevision;
  let place = 0;
  try {
    for (; place < packed.length; place += 1) {
      const request = list(packed[place], 'request', { min: 1 });
      switch (request[0]) {
        case RUN:
          revision = readRun(request, callers, revision, requests);
          break;
        case WRITE: {
          const write = readWrite(request, callers);
          revision += write.mutations.length;
          requests.push(write);
          break;
        }
        case OPEN_SESSION:
          parts(request, 'openSession', 1);
          requests.push({ kind: 'openSession' });
          break;
        case CLOSE_SESSION:
          requests.push(readCloseSession(request));
          break;
        case EXPIRE: {
          const expire: EntryRequest = { kind: 'expire', due: readDue(parts(request, 'expire', 2)[1]) };
          revision += mutationsOf(expire).length;
          requests.push(expire);
          break;
        }
        default:
          throw invalid('kind', 'unknown code');
      }
    }
  } catch (error) {
    throw within(error, `requests[${place}]`);
  }
  if (!Number.isSafeInteger(revision)) throw invalid('requests', 'more revisions than there are numbers');
  return requests;
}

/** The put of a request that a run may hold, given the revision its mutation takes. */
function plainPut(request: WriteInEntry, revision: number): Extract<Mutation, { kind: 'put' }> | undefined {
  if (request.mutations.length !== 1) return undefined;
  const mutation = request.mutations[0]!;
  const plain = request.result.kind === 'written' && request.result.revision === revision;
  return plain && mutation.kind === 'put' && !concernsExpiry(mutation) ? mutation : undefined;
}

function concernsExpiry(mutation: Extract<Mutation, { kind: 'put' }>): boolean {
  return mutation.expiresAt !== undefined || mutation.formerExpiry !== undefined;
}

function placeOf(callers: Packable[], request: WriteInEntry): number {
  for (let place = 0; place < callers.length; place += 2) {
    if (callers[place] === request.session && callers[place + 1] === request.floor) return place / 2;
  }
  callers.push(request.session, request.floor);
  return callers.length / 2 - 1;
}

function packWrite(request: WriteInEntry, caller: number): Packable[] {
  const mutations: Packable[] = [];
  for (const mutation of request.mutations)
    mutations.push(mutation.key, mutation.kind === 'put' ? mutation.value : null);
  const packed: Packable[] = [WRITE, caller, codeOf(request.ack, ACKS), request.sequence, mutations];
  pushWriteResult(packed, request.result);
  const expiries = packExpiries(request.mutations);
  if (expiries.length > 0) packed.push(expiries);
  return packed;
}

function packExpiries(mutations: readonly Mutation[]): Packable[] {
  const packed: Packable[] = [];
  for (let place = 0; place < mutations.length; place++) {
    const mutation = mutations[place]!;
    if (mutation.kind === 'put' && concernsExpiry(mutation))
      packed.push(place, orNil(mutation.expiresAt), orNil(mutation.formerExpiry));
  }
  return packed;
}

function packDue(due: readonly DueKey[]): Packable[] {
  const packed: Packable[] = [];
  for (const { key, expiresAt, isDeleted } of due) packed.push(key, expiresAt, isDeleted);
  return packed;
}

function readCallers(value: unknown): Caller[] {
  const flat = list(value, 'callers');
  if (flat.length % 2 !== 0) throw invalid('callers', 'a session without a floor');
  const callers: Caller[] = [];
  for (let place = 0; place < flat.length; place += 2) {
    callers.push({
      session: sessionId(flat[place], `callers[${place}]`),
      floor: count(flat[place + 1], `callers[${place + 1}]`),
    });
  }
  return callers;
}

function callerAt(callers: readonly Caller[], value: unknown): Caller {
  return choice(value, callers, 'caller');
}

/** Appends the requests of a run; gives the revision after it. */
function readRun(
  run: readonly unknown[],
  callers: readonly Caller[],
  from: number,
  requests: EntryRequest[],
): number {
  if (run.length < RUN_HEAD_PARTS + 2 || run.length % 2 !== 0)
    throw invalid('run', 'not pairs of key and value');
  const { session, floor } = callerAt(callers, run[1]);
  const ack = choice(run[2], ACKS, 'ack');
  let sequence = positive(run[3], 'sequence');
  const puts = (run.length - RUN_HEAD_PARTS) / 2;
  // Of the last one, not of one behind it: what may be written must be readable.
  if (!Number.isSafeInteger(sequence + (puts - 1))) throw invalid('sequence', 'not a whole number');
  let revision = from;
  for (let place = RUN_HEAD_PARTS; place < run.length; place += 2) {
    const key = binary(run[place], 'key');
    const value = binary(run[place + 1], 'value');
    requests.push({
      kind: 'write',
      session,
      sequence,
      floor,
      ack,
      mutations: [{ kind: 'put', key, value }],
      result: { kind: 'written', revision: revision as Revision },
    });
    sequence += 1;
    revision += 1;
  }
  return revision;
}

function readWrite(request: readonly unknown[], callers: readonly Caller[]): WriteInEntry {
  list(request, 'write', { min: WRITE_PARTS, max: WRITE_PARTS + 1 });
  const { session, floor } = callerAt(callers, request[1]);
  const mutations = readMutations(request[4]);
  return {
    kind: 'write',
    session,
    sequence: positive(request[3], 'sequence'),
    floor,
    ack: choice(request[2], ACKS, 'ack'),
    mutations: request.length === WRITE_PARTS ? mutations : withExpiries(mutations, request[WRITE_PARTS]),
    result: readWriteResult(request, 5),
  };
}

function readMutations(value: unknown): Mutation[] {
  const flat = list(value, 'mutations');
  if (flat.length % 2 !== 0) throw invalid('mutations', 'a key without a value');
  const mutations: Mutation[] = [];
  for (let place = 0; place < flat.length; place += 2) {
    const key = binary(flat[place], 'mutations.key');
    const put = flat[place + 1];
    mutations.push(
      put === null ? { kind: 'del', key } : { kind: 'put', key, value: binary(put, 'mutations.value') },
    );
  }
  return mutations;
}

/** The mutations with what the flat list says of some of them, which it names in order. */
function withExpiries(mutations: readonly Mutation[], value: unknown): Mutation[] {
  const flat = list(value, 'expiries', { min: EXPIRY_PARTS });
  if (flat.length % EXPIRY_PARTS !== 0) throw invalid('expiries', 'the last one is not whole');
  const whole = mutations.slice();
  let after = -1;
  for (let at = 0; at < flat.length; at += EXPIRY_PARTS) {
    const place = count(flat[at], 'expiries.place');
    const mutation = whole[place];
    if (place <= after || mutation?.kind !== 'put')
      throw invalid('expiries.place', 'not that of the next put');
    after = place;
    const expiresAt = optional(flat[at + 1], 'expiries.expiresAt', positive);
    const formerExpiry = optional(flat[at + 2], 'expiries.formerExpiry', positive);
    whole[place] = {
      ...mutation,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(formerExpiry === undefined ? {} : { formerExpiry }),
    };
  }
  return whole;
}

function readDue(value: unknown): DueKey[] {
  const flat = list(value, 'due', { min: DUE_PARTS });
  if (flat.length % DUE_PARTS !== 0) throw invalid('due', 'the last one is not whole');
  const due: DueKey[] = [];
  for (let place = 0; place < flat.length; place += DUE_PARTS) {
    due.push({
      key: binary(flat[place], 'due.key'),
      expiresAt: positive(flat[place + 1], 'due.expiresAt'),
      isDeleted: flag(flat[place + 2], 'due.isDeleted'),
    });
  }
  return due;
}

function readCloseSession(request: readonly unknown[]): EntryRequest {
  parts(request, 'closeSession', 3);
  return {
    kind: 'closeSession',
    session: sessionId(request[1], 'session'),
    reason: choice(request[2], CLOSE_REASONS, 'reason'),
  };
}
