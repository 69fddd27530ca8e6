import {
  assert,
  assertNever,
  type Entry,
  type EntryRequest,
  type LogIndex,
  type ResultRun,
  resultBytes,
  type SessionId,
  type SessionRecord,
  type Term,
  type WriteResult,
} from '@holdfast/types';
import { extendRun, placeOf, resultIn, runAt, trimRuns } from './result-runs.ts';

/** What is known of one sequence of a session. */
export type SequenceState =
  | { readonly kind: 'unknownSession' }
  /** At or below the floor: answered or given up, never to be executed. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'done'; readonly result: WriteResult; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'fresh' };

/** What a batch of entries changed, for the store. */
export interface SessionChanges {
  /** Full new records; never changed afterwards. */
  readonly touched: SessionRecord[];
  readonly closed: SessionId[];
}

/** A record while entries are being applied to it. */
interface Draft {
  readonly id: SessionId;
  floor: number;
  usedAt: number;
  readonly runs: ResultRun[];
}

const UNKNOWN_SESSION: SequenceState = { kind: 'unknownSession' };
const CLOSED: SequenceState = { kind: 'closed' };
const FRESH: SequenceState = { kind: 'fresh' };

/** The id of the session opened by request `ordinal` (from 0) of an entry. */
export function sessionIdOf(
  entry: { readonly term: Term; readonly index: LogIndex },
  ordinal: number,
): SessionId {
  return `${entry.term}.${entry.index}.${ordinal}` as SessionId;
}

/**
 * The replicated session table: what makes the repeat of a write harmless. It moves by committed entries alone,
 * in log order, so every node holds the same one. Applying an entry again (a replay from a checkpoint, over
 * records that may be newer) adds nothing: floors never fall, and a sequence is recorded once.
 *
 * Records are copied before they are changed, once per batch, so one that was handed out stays as it is.
 */
export class SessionTable {
  readonly #records: Map<SessionId, SessionRecord> = new Map();
  readonly #sessionWindow: number;

  constructor(records: readonly SessionRecord[], limits: { readonly sessionWindow: number }) {
    this.#sessionWindow = limits.sessionWindow;
    for (const record of records) this.#records.set(record.id, record);
  }

  get size(): number {
    return this.#records.size;
  }

  has(session: SessionId): boolean {
    return this.#records.has(session);
  }

  /** Every sequence at or below it is answered or given up. */
  floor(session: SessionId): number | undefined {
    return this.#records.get(session)?.floor;
  }

  /** Log time of its newest request, milliseconds. The session must be known. */
  idleSince(session: SessionId): number {
    const record = this.#records.get(session);
    assert(record !== undefined, `sessions: ${session} is not known`);
    return record.usedAt;
  }

  sessions(): Iterable<SessionRecord> {
    return this.#records.values();
  }

  find(session: SessionId, sequence: number): SequenceState {
    const record = this.#records.get(session);
    if (record === undefined) return UNKNOWN_SESSION;
    if (sequence <= record.floor) return CLOSED;
    const run = runAt(record.runs, sequence);
    if (run === undefined) return FRESH;
    return { kind: 'done', result: resultIn(run, sequence), index: run.index, term: run.term };
  }

  /** What the results above `floor` take beyond the fixed few bytes of each. */
  resultBytes(session: SessionId, floor: number): number {
    let bytes = 0;
    for (const run of this.#records.get(session)?.runs ?? [])
      if (run.kind === 'single' && run.sequence > floor) bytes += resultBytes(run.result);
    return bytes;
  }

  /** Whether a sequence is near enough to the floor, the request's own if that is higher, to be taken. */
  inWindow(session: SessionId, sequence: number, floor: number): boolean {
    return sequence - Math.max(floor, this.floor(session) ?? 0) <= this.#sessionWindow;
  }

  /** Committed entries, in log order. */
  apply(entries: readonly Entry[]): SessionChanges {
    const drafts = new Map<SessionId, Draft>();
    const closed = new Set<SessionId>();
    for (const entry of entries) {
      if (entry.body.kind !== 'requests') continue;
      const { requests } = entry.body;
      for (let ordinal = 0; ordinal < requests.length; ordinal++) {
        this.#applyRequest(requests[ordinal]!, { entry, ordinal, drafts, closed });
      }
    }
    const touched: SessionRecord[] = [];
    for (const draft of drafts.values()) {
      this.#records.set(draft.id, draft);
      touched.push(draft);
    }
    return { touched, closed: [...closed] };
  }

  #applyRequest(
    request: EntryRequest,
    at: { entry: Entry; ordinal: number; drafts: Map<SessionId, Draft>; closed: Set<SessionId> },
  ): void {
    switch (request.kind) {
      case 'write': {
        const draft = this.#draft(request.session, at.drafts);
        if (draft !== undefined) recordWrite(draft, request, at.entry);
        return;
      }
      case 'openSession': {
        const id = sessionIdOf(at.entry, at.ordinal);
        at.closed.delete(id);
        if (this.#draft(id, at.drafts) !== undefined) return;
        at.drafts.set(id, { id, floor: 0, usedAt: at.entry.logTime, runs: [] });
        return;
      }
      case 'closeSession': {
        const drafted = at.drafts.delete(request.session);
        const known = this.#records.delete(request.session);
        if (drafted || known) at.closed.add(request.session);
        return;
      }
      case 'expire':
        return;
      default:
        assertNever(request);
    }
  }

  /** The session's record as changed so far in this batch; undefined for a session that is not known. */
  #draft(session: SessionId, drafts: Map<SessionId, Draft>): Draft | undefined {
    const drafted = drafts.get(session);
    if (drafted !== undefined) return drafted;
    const record = this.#records.get(session);
    if (record === undefined) return undefined;
    const draft: Draft = {
      id: record.id,
      floor: record.floor,
      usedAt: record.usedAt,
      runs: record.runs.slice(),
    };
    drafts.set(session, draft);
    return draft;
  }
}

function recordWrite(draft: Draft, request: Extract<EntryRequest, { kind: 'write' }>, entry: Entry): void {
  draft.usedAt = Math.max(draft.usedAt, entry.logTime);
  if (request.floor > draft.floor) {
    draft.floor = request.floor;
    trimRuns(draft.runs, draft.floor);
  }
  const { sequence } = request;
  if (sequence <= draft.floor) return;
  const place = placeOf(draft.runs, sequence);
  const following = draft.runs[place];
  if (following !== undefined && following.sequence <= sequence) return;
  const run = runOf(request, entry);
  const before = draft.runs[place - 1];
  const extended = before !== undefined && run.kind === 'plain' ? extendRun(before, run) : undefined;
  if (extended !== undefined) draft.runs[place - 1] = extended;
  else draft.runs.splice(place, 0, run);
}

function runOf(request: Extract<EntryRequest, { kind: 'write' }>, entry: Entry): ResultRun {
  const { sequence, result } = request;
  const { index, term } = entry;
  if (result.kind !== 'written')
    return { kind: 'single', sequence, result: withOwnBytes(result), index, term };
  return {
    kind: 'plain',
    sequence,
    count: 1,
    revision: result.revision,
    step: request.mutations.length,
    index,
    term,
  };
}

/** Keys, and values of gets, are views into a whole entry, or a whole frame of a client: kept as such they would keep it alive. */
function withOwnBytes(result: WriteResult): WriteResult {
  if (result.kind === 'cleared' && result.behind !== undefined)
    return { ...result, behind: Uint8Array.from(result.behind) };
  if (result.kind !== 'transaction') return result;
  const steps = result.steps.map((step) =>
    step.kind === 'found' ? { ...step, value: Uint8Array.from(step.value) } : step,
  );
  return { ...result, steps };
}
