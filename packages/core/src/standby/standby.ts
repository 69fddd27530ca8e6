import type { Entry, LogIndex, NodeId, PeerMessage, Position, Term } from '@holdfast/types';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import type { Freshness } from '../reads/freshness.ts';

type Append = Extract<PeerMessage, { kind: 'append' }>;
type Heartbeat = Extract<PeerMessage, { kind: 'heartbeat' }>;

/** The receiving side of the log stream: writes what the primary of the term sends, and promises what is durable. */
export class Standby {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #freshness: Freshness;
  /** Proven equal to the primary's log in this term; commit is believed up to here (P7). */
  #verified: LogIndex;
  #verifiedTerm: Term;

  constructor(context: Context, parts: { readonly applier: Applier; readonly freshness: Freshness }) {
    this.#context = context;
    this.#applier = parts.applier;
    this.#freshness = parts.freshness;
    this.#verified = context.commit;
    this.#verifiedTerm = context.term;
  }

  onAppend(from: NodeId, message: Append): void {
    const { log, commit, persists } = this.#context;
    if (!isContiguous(message)) return;
    // Said again at every append until a snapshot is on its way. With an empty log the node is a copy all the same.
    if (!this.#applier.usable) this.#context.send(from, { kind: 'snapshotWanted', term: message.term });
    if (!log.warm) return;
    if (!this.#holds(message.previous)) {
      const rejected = message.previous.index;
      const bound = { index: Math.min(rejected, log.last.index) as LogIndex, term: message.previous.term };
      const hint =
        rejected <= log.last.index
          ? log.newestAtOrBelow(bound)
          : log.newestAtOrBelow({ ...bound, index: log.last.index });
      const answer = {
        kind: 'appendConflict',
        term: message.term,
        rejected,
        hint: atLeast(hint, commit, log.termAt(commit)),
        last: log.last,
      } as const;
      this.#context.sendAfter(persists.stateTicket, from, answer);
      return;
    }
    if (!this.#store(message)) return;
    const match = (message.previous.index + message.entries.length) as LogIndex;
    this.#verify(match);
    this.learnCommit(message.commit);
    // Whatever caused the persist, the promise rests on the newest ticket that covers the match (P5).
    const ticket = Math.max(persists.ticketFor(match), persists.stateTicket) as typeof persists.stateTicket;
    this.#context.sendAfter(ticket, from, { kind: 'appendMatch', term: message.term, match });
  }

  onHeartbeat(from: NodeId, message: Heartbeat): void {
    const { now, persists, runNames } = this.#context;
    const { commit, echo } = message;
    this.learnCommit(commit);
    const sentAt = echo === undefined ? undefined : runNames.momentOf(echo.sentAt, now);
    if (echo !== undefined && sentAt !== undefined)
      this.#freshness.offer({ sentAt, commit: echo.commit }, this.#applier.applied.index);
    this.#context.sendAfter(persists.stateTicket, from, {
      kind: 'heartbeatReply',
      term: message.term,
      round: message.round,
      sentAt: runNames.nameOf(now),
      applied: this.#applier.applied.index,
    });
  }

  /** The primary of this term says that `index` is committed. */
  learnCommit(index: LogIndex): void {
    if (this.#verifiedTerm !== this.#context.term) return;
    this.#context.advanceCommit(Math.min(index, this.#verified) as LogIndex);
  }

  /** A snapshot replaced the log. */
  rebased(index: LogIndex): void {
    if (this.#verified < index) this.#verified = index;
  }

  /**
   * What is not applied is in memory: who cannot apply so fast takes no more, and lags in its log, which costs none
   * (fault 25). Only while there is something to apply: what follows may be what commits the rest. The primary asks again.
   */
  get #isFull(): boolean {
    const { log, commit, config } = this.#context;
    const { unappliedBytesMax, logCacheBytesMax } = config.limits;
    return this.#applier.applied.index < commit && log.cacheBytes > unappliedBytesMax + logCacheBytesMax;
  }

  /** What is committed here is held by every later primary, whatever it sends as `previous` (fault 18). */
  #holds(previous: Position): boolean {
    if (previous.index <= this.#context.commit) return true;
    return this.#context.log.termAt(previous.index) === previous.term;
  }

  /** Truncates only where an entry really differs (fault 16). False when nothing may be promised. */
  #store(message: Append): boolean {
    const { log, commit, persists } = this.#context;
    const fresh = message.entries.findIndex(
      (entry) => entry.index > commit && log.termAt(entry.index) !== entry.term,
    );
    if (fresh < 0) return true;
    const entries = message.entries.slice(fresh);
    const from = entries[0]!.index;
    if (this.#isFull) return false;
    if (from <= log.last.index) {
      if (from <= commit) {
        this.#context.emit({
          kind: 'stop',
          reason: `a truncation at ${from} below the commit index ${commit}`,
        });
        return false;
      }
      const to = log.last.index;
      const cut = log.truncate(from);
      persists.truncate(from);
      this.#context.notice({ kind: 'truncated', from, to });
      this.#applier.supersede(cut);
    }
    for (const entry of entries) log.append(entry);
    this.#context.persist({ kind: 'entries', entries });
    return true;
  }

  #verify(match: LogIndex): void {
    const { term, commit } = this.#context;
    if (this.#verifiedTerm !== term) {
      this.#verifiedTerm = term;
      this.#verified = commit;
    }
    if (match > this.#verified) this.#verified = match;
  }
}

/** The hint never goes below what is committed: that is equal everywhere. */
function atLeast(hint: Position, commit: LogIndex, commitTerm: Term | undefined): Position {
  return hint.index >= commit || commitTerm === undefined ? hint : { index: commit, term: commitTerm };
}

function isContiguous(message: Append): boolean {
  let { index, term } = message.previous;
  for (const entry of message.entries as readonly Entry[]) {
    if (
      entry.index !== index + 1 ||
      entry.previousTerm !== term ||
      entry.term < term ||
      entry.term > message.term
    )
      return false;
    index = entry.index;
    term = entry.term;
  }
  return true;
}
