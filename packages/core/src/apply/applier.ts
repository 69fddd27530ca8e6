import {
  assert,
  type Entry,
  type LogIndex,
  lastRevisionOf,
  type Position,
  REVISION_GAP,
  type Revision,
  type StoreState,
} from '@holdfast/types';
import type { RecoveredState } from '../api.ts';
import type { Context } from '../kernel/context.ts';
import { judge } from '../state/divergence-judge.ts';
import { History } from '../state/history.ts';
import { SessionTable } from '../state/sessions/session-table.ts';

const APPLY_BATCH_BYTES = 4 * 1024 * 1024;
const LOAD_BYTES = 4 * 1024 * 1024;

/**
 * Carries committed entries into the store, in order, one batch at a time, and keeps what the replicated state
 * machine knows beside the data: sessions and the history of terms. Both are as of `issued`, the newest entry
 * handed to the store.
 */
export class Applier {
  readonly #context: Context;
  sessions: SessionTable;
  history: History;
  /** In the store. */
  applied: Position;
  appliedRevision: Revision;
  /** Of the newest entry in the store, milliseconds. */
  logTime: number;
  /** Handed to the store. */
  #issued: Position;
  #issuedRevision: Revision;
  #issuedLogTime: number;
  /** Nothing is served before this is applied: until then the store may miss batches that it had. */
  #replayTo: LogIndex;
  #loading: number | undefined;
  /** Superseded entries whose fate is open. */
  #superseded: Entry[];
  #usable: boolean;

  constructor(context: Context, recovered: RecoveredState) {
    this.#context = context;
    const store = recovered.store;
    this.#superseded = [...recovered.log.superseded];
    this.#usable = recovered.storeUsable && store.checkpoint.index + 1 >= recovered.log.first;
    this.sessions = this.#sessionsOf(store);
    this.history = this.#historyOf(store);
    this.applied = store.checkpoint;
    this.appliedRevision = store.revision;
    this.logTime = store.logTime;
    this.#issued = store.checkpoint;
    this.#issuedRevision = store.revision;
    this.#issuedLogTime = store.logTime;
    this.#replayTo = Math.max(store.applied.index, recovered.log.commitFloor) as LogIndex;
  }

  /** Reads may be served: the store holds all that it held before the restart. */
  get serving(): boolean {
    return this.#usable && this.applied.index >= this.#replayTo;
  }

  /** The newest entry handed to the store, in it or on its way. */
  get handedOver(): LogIndex {
    return this.#issued.index;
  }

  /** The store cannot be brought up from this log: only a snapshot helps. */
  get usable(): boolean {
    return this.#usable;
  }

  get supersededPending(): number {
    return this.#superseded.length;
  }

  /** The oldest entry whose fate is open; its segment stays. */
  get supersededFrom(): LogIndex | undefined {
    let lowest: LogIndex | undefined;
    for (const entry of this.#superseded)
      if (lowest === undefined || entry.index < lowest) lowest = entry.index;
    return lowest;
  }

  supersede(entries: readonly Entry[]): void {
    this.#superseded.push(...entries);
    this.#judge();
  }

  /** Hands the next batch to the store, or reads it back from the log first. P7: at most min(committed, durable). */
  pump(): void {
    const { log, persists, commit } = this.#context;
    if (!this.#usable) return;
    if (!log.warm) this.#warm();
    if (this.#issued.index > this.applied.index) return;
    const to = Math.min(commit, persists.durable, log.cachedTo) as LogIndex;
    if (to <= this.#issued.index) return;
    const entries = log.slice((this.#issued.index + 1) as LogIndex, { to, bytesMax: APPLY_BATCH_BYTES });
    assert(
      entries !== undefined && entries.length > 0,
      `entry ${this.#issued.index + 1} is to be applied and not in memory`,
    );
    this.#apply(entries);
  }

  onApplied(index: LogIndex): void {
    if (index !== this.#issued.index) return;
    this.applied = this.#issued;
    this.appliedRevision = this.#issuedRevision;
    this.logTime = this.#issuedLogTime;
    this.#judge();
  }

  /** Entries read back: the tail after a restart. Answers of an older order are ignored (P11). */
  onLoaded(id: number, entries: readonly Entry[]): void {
    if (id !== this.#loading) return;
    this.#loading = undefined;
    this.#context.log.warmWith(entries);
  }

  /** A snapshot took the store's place. */
  replace(state: StoreState): void {
    this.sessions = this.#sessionsOf(state);
    this.history = this.#historyOf(state);
    this.applied = state.applied;
    this.appliedRevision = state.revision;
    this.logTime = state.logTime;
    // What was served before the swap is in the store again before anything is.
    this.#replayTo = Math.max(state.applied.index, this.#replayTo, this.#issued.index) as LogIndex;
    this.#issued = state.applied;
    this.#issuedRevision = state.revision;
    this.#issuedLogTime = state.logTime;
    this.#loading = undefined;
    this.#usable = true;
    this.#judge();
  }

  /** Stops applying while a snapshot is put in the store's place. */
  suspend(): void {
    this.#usable = false;
  }

  #apply(entries: readonly Entry[]): void {
    const last = entries.at(-1)!;
    for (const entry of entries) {
      if (entry.body.kind === 'opening') {
        this.history.add({ term: entry.term, firstIndex: entry.index, firstRevision: entry.firstRevision });
      }
    }
    const { touched, closed } = this.sessions.apply(entries);
    this.#issued = { index: last.index, term: last.term };
    this.#issuedRevision = Math.max(this.#issuedRevision, lastRevisionOf(last)) as Revision;
    this.#issuedLogTime = Math.max(this.#issuedLogTime, last.logTime);
    this.#context.emit({
      kind: 'apply',
      entries,
      sessions: touched,
      closedSessions: closed,
      history: this.history.starts(),
      applied: this.#issued,
      revision: this.#issuedRevision,
      logTime: this.#issuedLogTime,
    });
  }

  #warm(): void {
    if (this.#loading !== undefined) return;
    const { log } = this.#context;
    this.#loading = this.#context.newLoadId();
    this.#context.emit({
      kind: 'load',
      id: this.#loading,
      from: (log.cachedTo + 1) as LogIndex,
      to: log.last.index,
      bytesMax: LOAD_BYTES,
    });
  }

  /** Judged when applied reaches its index, or an applied entry has a higher term. */
  #judge(): void {
    if (this.#superseded.length === 0) return;
    const verdicts = judge(this.#superseded, this.history, this.applied);
    this.#superseded = verdicts.pending;
    if (verdicts.survived.length > 0) this.#context.emit({ kind: 'judged', entries: verdicts.survived });
    for (const [entries, undecided] of [
      [verdicts.lost, false],
      [verdicts.undecided, true],
    ] as const) {
      if (entries.length === 0) continue;
      this.#context.emit({ kind: 'fileDiverged', entries, undecided });
      const reason = undecided
        ? 'superseded, and the history reaches too short to tell whether they survived'
        : 'superseded, and not in the log that won';
      const writes = countWrites(entries);
      this.#context.notice({ kind: 'divergence', entries: entries.length, writes, reason });
    }
  }

  #sessionsOf(state: StoreState): SessionTable {
    return new SessionTable(state.sessions, { sessionWindow: this.#context.config.limits.sessionWindow });
  }

  #historyOf(state: StoreState): History {
    return new History(state.history, { historyTermsMax: 10_000, revisionGap: REVISION_GAP });
  }
}

function countWrites(entries: readonly Entry[]): number {
  let writes = 0;
  for (const entry of entries) {
    if (entry.body.kind !== 'requests') continue;
    for (const request of entry.body.requests) if (request.kind === 'write') writes++;
  }
  return writes;
}
