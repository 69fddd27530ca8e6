import {
  type Entry,
  type EntryBody,
  type EntryRequest,
  entryBytes,
  keyText,
  type LogIndex,
  lastRevisionOf,
  type Mutation,
  mutationsOf,
  REVISION_GAP,
  type Revision,
  resultBytes,
  type WireError,
} from '@holdfast/types';
import type { LoggedWrite } from '../acks/waiters.ts';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import { Fifo } from '../kernel/fifo.ts';
import { wireError } from '../kernel/wire-errors.ts';
import { evaluateClear } from '../state/clear.ts';
import type { CurrentRecord } from '../state/evaluation.ts';
import { evaluate } from '../state/evaluator.ts';
import { LogTime } from '../state/log-time.ts';
import type { Overlay, OverlayRecord } from '../state/overlay.ts';
import { sessionIdOf } from '../state/sessions/session-table.ts';
import type { Admission } from './admission.ts';
import type { Answers } from './answers.ts';
import type { Expiries } from './expiries.ts';
import type { LogLedger } from './log-ledger.ts';
import { isClear, type QueueItem, type WriteItem } from './pending-write.ts';
import { ResultRoom } from './result-room.ts';

export interface ProposerParts {
  readonly applier: Applier;
  readonly admission: Admission;
  readonly answers: Answers;
  readonly overlay: Overlay;
  readonly ledger: LogLedger;
  readonly expiries: Expiries;
}

interface Sealed {
  readonly index: LogIndex;
  readonly writes: readonly WriteItem[];
}

/**
 * Turns queued requests into entries. While one fsync is under way the queue collects; when it ends, all that is
 * ready is evaluated in order and becomes the next entry (group commit).
 */
export class Proposer {
  readonly #context: Context;
  readonly #parts: ProposerParts;
  readonly #logTime: LogTime;
  /** Entries not yet applied: their sequences are not in the session table yet. */
  readonly #unapplied = new Fifo<Sealed>();
  readonly #resultRoom: ResultRoom;

  constructor(context: Context, parts: ProposerParts) {
    this.#context = context;
    this.#parts = parts;
    this.#logTime = new LogTime({ last: context.log.lastLogTime, now: context.now });
    this.#resultRoom = new ResultRoom(parts.applier, context.config.limits.sessionResultBytesMax);
  }

  /** Of an entry made now, milliseconds. */
  get logTime(): number {
    return this.#logTime.at(this.#context.now);
  }

  /** First entry of the term; its revision leaves a gap that no lost write of an older term can reach into. */
  proposeOpening(): LogIndex {
    const firstRevision = (this.#context.log.lastRevision + REVISION_GAP + 1) as Revision;
    return this.#seal({ kind: 'opening', primary: this.#context.config.self }, firstRevision).index;
  }

  proposeNoop(): LogIndex {
    return this.#seal({ kind: 'noop' }, (this.#context.log.lastRevision + 1) as Revision).index;
  }

  /** True when an entry was made. */
  pump(): boolean {
    const { admission, ledger } = this.#parts;
    const { persists, config } = this.#context;
    admission.admitLocal();
    if (!persists.idle || ledger.unappliedBytes >= config.limits.unappliedBytesMax) return false;
    if (admission.ready() === undefined) return false;
    return this.#sealQueued();
  }

  onApplied(index: LogIndex): void {
    const { admission, overlay, ledger, expiries } = this.#parts;
    while (this.#unapplied.length > 0 && this.#unapplied.peek()!.index <= index) {
      for (const write of this.#unapplied.shift()!.writes)
        admission.pending.delete(write.session, write.request.sequence);
    }
    this.#resultRoom.onApplied(index);
    admission.onApplied(index);
    overlay.release(index);
    ledger.applied(index);
    expiries.onApplied(index);
  }

  #sealQueued(): boolean {
    const { admission, ledger } = this.#parts;
    const { limits } = this.#context.config;
    const { log, term } = this.#context;
    const index = (log.last.index + 1) as LogIndex;
    const firstRevision = (log.lastRevision + 1) as Revision;
    const requests: EntryRequest[] = [];
    const items: QueueItem[] = [];
    const { logTime } = this;
    let nextRevision: number = firstRevision;
    let bytes = 0;
    for (;;) {
      const item = admission.ready();
      if (item === undefined || requests.length >= limits.entryRequestsMax) break;
      if (requests.length > 0 && bytes + item.bytes > limits.entryBytesMax) break;
      // The gap before the next term's revisions must not be used up by what may yet be lost.
      if (nextRevision + mutationsMax(item) > ledger.committedRevision + REVISION_GAP) break;
      const request = this.#evaluate(item, { index, nextRevision: nextRevision as Revision, logTime });
      admission.shift();
      if (request === undefined) {
        admission.refuseQueued(item as WriteItem, noRoomForResult());
        continue;
      }
      bytes += item.bytes;
      nextRevision += mutationsOf(request).length;
      if (request.kind === 'write') {
        bytes += resultBytes(request.result);
        if (request.result.kind === 'transaction') bytes += valueBytes(request.mutations);
      }
      requests.push(request);
      items.push(item);
    }
    if (requests.length === 0) return false;
    this.#seal({ kind: 'requests', requests }, firstRevision, items);
    for (let ordinal = 0; ordinal < items.length; ordinal++)
      this.#register(items[ordinal]!, requests[ordinal]!, { index, term, ordinal });
    return true;
  }

  /**
   * Check, revision and overlay of one request: one synchronous step against the newest state. Undefined, and nothing
   * has happened, if its session has no room for the result.
   */
  #evaluate(
    item: QueueItem,
    at: { readonly index: LogIndex; readonly nextRevision: Revision; readonly logTime: number },
  ): EntryRequest | undefined {
    if (item.kind === 'openSession') return { kind: 'openSession' };
    if (item.kind === 'closeSession') {
      // From here on: what the queue holds of it behind this is refused, in this very entry too.
      this.#parts.admission.sessionLogged('closing', item.session, at.index);
      return { kind: 'closeSession', session: item.session, reason: item.reason };
    }
    if (item.kind === 'expire') {
      const expire: EntryRequest = { kind: 'expire', due: this.#parts.expiries.settle(item, at.index) };
      this.#toOverlay(mutationsOf(expire), at);
      return expire;
    }
    const point = {
      nextRevision: at.nextRevision,
      lastRevision: (at.nextRevision - 1) as Revision,
      logTime: at.logTime,
    };
    const { mutations, result } = isClear(item)
      ? evaluateClear(item.request.clear, item.found!, { point, overlay: this.#parts.overlay })
      : evaluate(item.request, (key) => this.#lookup(item, key), point);
    if (!this.#resultRoom.take(item, at.index, result)) return undefined;
    this.#toOverlay(mutations, at);
    const { session, floor, ack } = item;
    return { kind: 'write', session, sequence: item.request.sequence, floor, ack, mutations, result };
  }

  #toOverlay(
    mutations: readonly Mutation[],
    at: { readonly index: LogIndex; readonly nextRevision: Revision },
  ): void {
    const { overlay, expiries } = this.#parts;
    const { index } = at;
    let next: number = at.nextRevision;
    for (const mutation of mutations) {
      const revision = next++ as Revision;
      let record: OverlayRecord;
      if (mutation.kind === 'del') record = { index, revision, value: null };
      else if (mutation.expiresAt === undefined) record = { index, revision, value: mutation.value };
      else {
        record = { index, revision, value: mutation.value, expiresAt: mutation.expiresAt };
        expiries.sealed(index, mutation.expiresAt);
      }
      overlay.put(keyText(mutation.key), record);
    }
  }

  #lookup(item: WriteItem, key: Uint8Array): CurrentRecord | undefined {
    const text = keyText(key);
    const newer = this.#parts.overlay.get(text);
    if (newer !== undefined) {
      const { revision, value, expiresAt } = newer;
      if (value === null) return undefined;
      return expiresAt === undefined ? { revision, value } : { revision, value, expiresAt };
    }
    return item.prefetch?.records?.get(text);
  }

  #register(
    item: QueueItem,
    request: EntryRequest,
    at: { readonly index: LogIndex; readonly term: Entry['term']; readonly ordinal: number },
  ): void {
    const { admission, answers } = this.#parts;
    let logged: LoggedWrite;
    if (request.kind === 'write') {
      logged = { index: at.index, term: at.term, outcome: { kind: 'write', result: request.result } };
      const pending = admission.pending.get(request.session, request.sequence);
      if (pending !== undefined) pending.logged = logged;
    } else if (request.kind === 'openSession') {
      const session = sessionIdOf(at, at.ordinal);
      admission.sessionLogged('opening', session, at.index);
      logged = { index: at.index, term: at.term, outcome: { kind: 'sessionOpened', session } };
    } else logged = { index: at.index, term: at.term, outcome: { kind: 'sessionClosed' } };
    for (const waiter of item.waiters) answers.logged(waiter, logged);
  }

  #seal(body: EntryBody, firstRevision: Revision, items: readonly QueueItem[] = []): Entry {
    const { log, term, now, genesis, config } = this.#context;
    const entry: Entry = {
      database: genesis!.databases[config.database]!,
      index: (log.last.index + 1) as LogIndex,
      term,
      previousTerm: log.last.term,
      logTime: this.#logTime.at(now),
      firstRevision,
      body,
    };
    log.append(entry);
    this.#context.persist({ kind: 'entries', entries: [entry] });
    this.#parts.ledger.sealed({
      index: entry.index,
      bytes: entryBytes(entry),
      sealedAt: now,
      lastRevision: lastRevisionOf(entry),
    });
    const writes = items.filter((item) => item.kind === 'write');
    if (writes.length > 0) this.#unapplied.push({ index: entry.index, writes });
    return entry;
  }
}

function mutationsMax(item: QueueItem): number {
  if (item.kind === 'expire') return item.due.length;
  if (item.kind !== 'write') return 0;
  if (item.found !== undefined) return item.found.keys.length;
  const { operations, otherwise } = item.request;
  return otherwise === undefined ? operations.length : Math.max(operations.length, otherwise.length);
}

/** What a transaction renews is written again with its value, which did not count when the request came. */
function valueBytes(mutations: readonly Mutation[]): number {
  let bytes = 0;
  for (const mutation of mutations) if (mutation.kind === 'put') bytes += mutation.value.byteLength;
  return bytes;
}

function noRoomForResult(): WireError {
  return wireError('HOLDFAST_OVERLOADED', 'too many results of this session are kept', {
    retryAfterMs: 50,
  });
}
