import {
  assert,
  type Entry,
  entryBytes,
  type LogIndex,
  type NodeId,
  type PeerMessage,
  type Position,
  type Term,
} from '@holdfast/types';
import { majorityIndex, majorityValue } from '../acks/ack-rules.ts';
import type { Applier } from '../apply/applier.ts';
import type { Context } from '../kernel/context.ts';
import type { Freshness } from '../reads/freshness.ts';
import { Progress } from './progress.ts';
import { Rounds } from './rounds.ts';

const APPEND_BYTES = 1024 * 1024;
/** A probe may be refused: it carries little. */
const PROBE_BYTES = 64 * 1024;
/** The first probe of a term begins so far back that the opening entry finds room behind. */
const FIRST_PROBE_BYTES = PROBE_BYTES / 2;

interface Echo {
  readonly sentAt: number;
  /** Newest index that may have been acknowledged when the message arrived. */
  readonly commit: LogIndex;
  /** To be begun after the message arrived. */
  readonly round: number;
}

/** The primary's side of the log stream of one term: appends, rounds, commit. */
export class Replicator {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #freshness: Freshness;
  readonly #rounds = new Rounds();
  readonly progress: Map<NodeId, Progress> = new Map();
  #confirmedRound = 0;
  #heartbeatAt = 0;
  /** Commit index that heartbeats have told. */
  #toldCommit = 0 as LogIndex;
  /** Commit index at the last tick: while it moves, appends tell it, and no round is spent on it. */
  #tickedCommit = 0 as LogIndex;
  /** Set once this term's opening entry is committed: only then do echoes prove anything. */
  #echoes = false;
  readonly #waitingEchoes = new Map<NodeId, Echo>();
  readonly #readyEchoes = new Map<NodeId, Echo>();

  constructor(context: Context, parts: { readonly applier: Applier; readonly freshness: Freshness }) {
    this.#context = context;
    this.#applier = parts.applier;
    this.#freshness = parts.freshness;
    const next = firstNext(context);
    for (const peer of context.others) {
      const progress = new Progress(peer, { next, now: context.now });
      const link = context.links.get(peer)!;
      progress.linked = link.up;
      progress.excluded = link.exclusion !== undefined;
      this.progress.set(peer, progress);
    }
  }

  /** Newest round that a majority answered. */
  get confirmedRound(): number {
    return this.#confirmedRound;
  }

  get lastRound(): number {
    return this.#rounds.last;
  }

  /** One per voter: what it holds durably, this node's own by the same rule (P6). */
  matches(): LogIndex[] {
    const matches = [this.#context.persists.durable];
    for (const progress of this.progress.values())
      matches.push(progress.excluded ? (0 as LogIndex) : progress.match);
    return matches;
  }

  /** Send time of the newest round that a majority answered, ms. */
  majorityContactAt(): number {
    const contacts = [this.#context.now];
    for (const progress of this.progress.values())
      contacts.push(progress.excluded ? -Infinity : progress.contactAt);
    return majorityValue(contacts);
  }

  /** Best first: linked, then furthest in log, then in applied. */
  successors(): NodeId[] {
    const able = [...this.progress.values()].filter((progress) => !progress.excluded);
    able.sort(
      (a, b) =>
        Number(b.linked) - Number(a.linked) ||
        b.match - a.match ||
        b.applied - a.applied ||
        (a.peer < b.peer ? -1 : 1),
    );
    return able.map((progress) => progress.peer);
  }

  openingCommitted(): void {
    this.#echoes = true;
  }

  /** Counts what is held. Only entries of the own term are committed by counting (Raft §5.4.2, fault 15). */
  maybeCommit(): boolean {
    const index = majorityIndex(this.matches());
    if (index <= this.#context.commit || this.#context.log.termAt(index) !== this.#context.term) return false;
    return this.#context.advanceCommit(index);
  }

  /** Asks every peer for its loyalty. Returns the round's number. */
  beginRound(): number {
    const { now, term, commit } = this.#context;
    const round = this.#rounds.begin(now);
    const successors = this.successors();
    this.#heartbeatAt = now + this.#context.config.timing.heartbeatMs;
    this.#toldCommit = commit;
    for (const progress of this.progress.values()) {
      if (!progress.linked) continue;
      const echo = this.#readyEchoes.get(progress.peer);
      const base = { kind: 'heartbeat', term, round, commit, successors } as const;
      this.#readyEchoes.delete(progress.peer);
      this.#context.send(
        progress.peer,
        echo === undefined ? base : { ...base, echo: { sentAt: echo.sentAt, commit: echo.commit } },
      );
    }
    const { self } = this.#context.config;
    // One at a time: rounds may be begun faster than they are answered.
    if (this.#echoes && !this.#waitingEchoes.has(self))
      this.#waitingEchoes.set(self, { sentAt: now, commit: this.#acknowledgedTo(), round });
    this.#confirm();
    return round;
  }

  tick(): void {
    const { now, commit, config } = this.#context;
    const settled = commit === this.#tickedCommit;
    this.#tickedCommit = commit;
    if (now >= this.#heartbeatAt || (settled && this.#toldCommit < commit)) this.beginRound();
    for (const progress of this.progress.values()) {
      this.#reconsiderSnapshot(progress);
      if (!progress.linked || now - progress.activeAt < config.timing.electionTimeoutMs) continue;
      // Links keep the order. Who answered nothing that was sent later may have it on its way yet: one more copy, as
      // long as the first, would only queue behind it.
      if (progress.heardRound <= progress.sentRound) continue;
      // Who did has dropped it.
      const waits =
        progress.state === 'probe'
          ? progress.probePending
          : progress.state === 'replicate' && progress.inflightCount > 0;
      if (!waits) continue;
      this.#probeAgain(progress);
      progress.activeAt = now;
      this.#sendTo(progress);
    }
  }

  /**
   * The peer may have taken in a snapshot of the primary before, while the one of this primary waited for its time or was on
   * its way: it is asked whether it needs any. With one on its way it gets no entries, for as long as the store takes.
   */
  #reconsiderSnapshot(progress: Progress): void {
    const { now, config } = this.#context;
    const { overtakenAt } = progress;
    const isOvertaken = overtakenAt !== undefined && now - overtakenAt >= config.timing.electionTimeoutMs;
    if (!isOvertaken && !(progress.linked && progress.snapshotDue && this.#maySendSnapshot(progress))) return;
    if (isOvertaken) this.#context.emit({ kind: 'cancelSnapshot', peer: progress.peer });
    this.#probeAgain(progress);
    this.#sendTo(progress);
  }

  /** Streams what the log holds to every peer that has room. */
  replicate(): void {
    for (const progress of this.progress.values()) this.#sendTo(progress);
  }

  onMatch(from: NodeId, match: LogIndex): void {
    const { now, log } = this.#context;
    const progress = this.progress.get(from)!;
    assert(match <= log.last.index, `${from} matches ${match}, beyond this log's end ${log.last.index}`);
    if (progress.state === 'snapshot') {
      // It has what is on its way, and is about to say so there; or it has another one, of the primary before.
      if (!progress.snapshotWanted && match + 1 >= log.first) progress.overtakenAt ??= now;
      return;
    }
    progress.matched(match, now);
    progress.matchedBoot = this.#context.links.get(from)!.boot;
    progress.measure(log.last.index, now);
    this.#sendTo(progress);
  }

  /** The peer lacks what comes before: go back by whole terms (Raft §5.3, last paragraph). */
  onConflict(from: NodeId, message: Extract<PeerMessage, { kind: 'appendConflict' }>): void {
    const progress = this.progress.get(from)!;
    if (progress.state === 'snapshot') return;
    if (message.last.index < progress.match) {
      // A disk goes back between two runs of a process: from the same one this is an answer of long ago.
      if (this.#context.links.get(from)!.boot !== progress.matchedBoot) this.exclude(from, 'disk-went-back');
      return;
    }
    if (message.rejected <= progress.match || message.rejected >= progress.next) return;
    const { log } = this.#context;
    const hint: Position = message.hint;
    const agreed = log.termAt(hint.index) === hint.term ? hint.index : log.newestAtOrBelow(hint).index;
    const next = Math.max(progress.match, Math.min(agreed, message.rejected - 1)) + 1;
    progress.becomeProbe(next as LogIndex);
    this.#sendTo(progress);
  }

  onHeartbeatReply(from: NodeId, message: Extract<PeerMessage, { kind: 'heartbeatReply' }>): void {
    const progress = this.progress.get(from)!;
    progress.applied = message.applied;
    progress.heardRound = Math.max(progress.heardRound, message.round);
    const sentAt = this.#rounds.sentAt(message.round);
    if (sentAt === undefined || message.round <= progress.answeredRound) return;
    progress.answeredRound = message.round;
    progress.contactAt = Math.max(progress.contactAt, sentAt);
    if (this.#echoes && !this.#waitingEchoes.has(from)) {
      this.#waitingEchoes.set(from, {
        sentAt: message.sentAt,
        commit: this.#acknowledgedTo(),
        round: this.#rounds.last + 1,
      });
    }
    this.#confirm();
  }

  onLinkUp(peer: NodeId): void {
    const progress = this.progress.get(peer)!;
    progress.linked = true;
    // It may be another process by now, and another clock: a time of the old one would call its state fresh for ever.
    this.#waitingEchoes.delete(peer);
    this.#readyEchoes.delete(peer);
    const { exclusion } = this.#context.links.get(peer)!;
    progress.excluded = exclusion !== undefined;
    progress.snapshotAfter = this.#context.now;
    if (exclusion !== undefined) this.#context.send(peer, { kind: 'excluded', reason: exclusion });
    if (progress.state !== 'snapshot') this.#probeAgain(progress);
    this.#sendTo(progress);
    this.beginRound();
  }

  onLinkDown(peer: NodeId): void {
    const progress = this.progress.get(peer)!;
    progress.linked = false;
  }

  onLoaded(id: number, entries: readonly Entry[]): boolean {
    for (const progress of this.progress.values()) {
      if (progress.loading !== id) continue;
      progress.loading = undefined;
      // The head went while it was read: what the peer needs is gone.
      if (entries.length === 0) this.#startSnapshot(progress, 'what it lacks left the log while it was read');
      else this.#append(progress, entries);
      this.#sendTo(progress);
      return true;
    }
    return false;
  }

  onSnapshotSent(peer: NodeId, position: Position | undefined): void {
    const progress = this.progress.get(peer)!;
    if (progress.state !== 'snapshot') return;
    if (position !== undefined) {
      this.#context.log.remember(position);
      progress.becomeProbe((Math.max(progress.match, position.index) + 1) as LogIndex);
    } else this.#probeAgain(progress);
    progress.snapshotEnded(position?.index, this.#context.now);
    this.#context.notice({
      kind: 'snapshot',
      peer,
      state: position === undefined ? 'failed' : 'sent',
      index: position?.index ?? progress.match,
      reason: position === undefined ? 'the transfer broke off' : 'it has all of it',
    });
    this.#sendTo(progress);
  }

  /** Its store is gone; what its log holds stays as it is. */
  onSnapshotWanted(from: NodeId): void {
    const progress = this.progress.get(from)!;
    if (progress.state !== 'snapshot') this.#startSnapshot(progress, 'it asked for one');
    progress.snapshotWanted = true;
  }

  exclude(peer: NodeId, reason: 'disk-went-back' | 'wiped'): void {
    const progress = this.progress.get(peer)!;
    progress.excluded = true;
    this.#context.links.get(peer)!.exclusion = reason;
    this.#context.send(peer, { kind: 'excluded', reason });
    this.#context.notice({ kind: 'excluded', peer, term: this.#context.term, reason });
  }

  /** The office ends: transfers that it began are nobody's business any more. */
  end(): void {
    for (const progress of this.progress.values()) {
      if (progress.state === 'snapshot') this.#context.emit({ kind: 'cancelSnapshot', peer: progress.peer });
    }
  }

  /** Lowest index that some peer still needs from this log. Who has taken nothing for long gets a snapshot (fault 35). */
  neededFrom(): LogIndex {
    const { now, log } = this.#context;
    let lowest = (log.last.index + 1) as LogIndex;
    for (const progress of this.progress.values())
      lowest = Math.min(lowest, progress.keptFrom(now) ?? lowest) as LogIndex;
    return lowest;
  }

  #sendTo(progress: Progress): void {
    if (
      !progress.linked ||
      progress.excluded ||
      progress.state === 'snapshot' ||
      progress.loading !== undefined
    )
      return;
    const { log, config } = this.#context;
    const window = { entries: config.limits.peerWindowEntries, bytes: config.limits.peerWindowBytes };
    if (progress.next <= log.last.index) progress.measure(log.last.index, this.#context.now);
    if (progress.state === 'probe') {
      if (!progress.probePending) this.#sendNext(progress);
      return;
    }
    while (progress.state === 'replicate' && progress.next <= log.last.index && progress.hasRoom(window)) {
      const { next } = progress;
      this.#sendNext(progress);
      // Entries are being loaded, or it needs a snapshot that may not begin yet.
      if (progress.next === next) return;
    }
  }

  /**
   * What was in flight may be lost. A peer that never matched, or whose next entry is gone from this log (it may have
   * had a snapshot since), is asked where the log begins, at the earliest. If what comes before that cannot be named, as
   * after a restart, it is asked at the end: its refusal tells where it is. A snapshot sent unasked may have nothing new
   * for it: it ignores that, and the next one, as long as this node commits nothing without it.
   */
  #probeAgain(progress: Progress): void {
    const { log } = this.#context;
    const end = log.last.index + 1;
    const known = progress.match > 0 && progress.match + 1 >= log.first;
    const wanted = known ? progress.match + 1 : Math.min(Math.max(progress.next, log.first), end);
    const next = Math.max(wanted, progress.match + 1);
    const isNamed = log.termAt((next - 1) as LogIndex) !== undefined;
    progress.becomeProbe((isNamed ? next : end) as LogIndex);
  }

  #sendNext(progress: Progress): void {
    const { log } = this.#context;
    const previousIndex = (progress.next - 1) as LogIndex;
    if (
      log.termAt(previousIndex) === undefined ||
      (progress.next < log.first && progress.next <= log.last.index)
    ) {
      this.#startSnapshot(progress, 'what it lacks is no longer in the log');
      return;
    }
    if (progress.next > log.last.index) {
      this.#append(progress, []);
      return;
    }
    const bytesMax = progress.state === 'probe' ? PROBE_BYTES : APPEND_BYTES;
    const entries = log.slice(progress.next, { to: log.last.index, bytesMax });
    if (entries !== undefined) {
      this.#append(progress, entries);
      return;
    }
    progress.loading = this.#context.newLoadId();
    this.#context.emit({
      kind: 'load',
      id: progress.loading,
      from: progress.next,
      to: log.last.index,
      bytesMax: APPEND_BYTES,
    });
  }

  /** The primary's append stream waits for nothing: peers write in parallel with its own fsync (P5). */
  #append(progress: Progress, entries: readonly Entry[]): void {
    const { log, term, commit, now } = this.#context;
    const index = (progress.next - 1) as LogIndex;
    const previousTerm = log.termAt(index);
    if (
      !progress.linked ||
      previousTerm === undefined ||
      (entries.length > 0 && entries[0]!.index !== progress.next)
    )
      return;
    if (entries.some((entry) => log.termAt(entry.index) !== entry.term)) return;
    this.#context.send(progress.peer, {
      kind: 'append',
      term,
      previous: { index, term: previousTerm as Term },
      entries,
      commit,
    });
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    progress.sent({ last: (index + entries.length) as LogIndex, bytes, now, round: this.#rounds.last });
  }

  #startSnapshot(progress: Progress, reason: string): void {
    progress.snapshotDue = true;
    if (!this.#maySendSnapshot(progress)) return;
    progress.becomeSnapshot(this.#applier.applied.index);
    const { peer, match: index } = progress;
    this.#context.notice({ kind: 'snapshot', peer, state: 'needed', index, reason });
    this.#context.emit({ kind: 'sendSnapshot', peer: progress.peer });
  }

  #maySendSnapshot(progress: Progress): boolean {
    return this.#applier.serving && this.#context.now >= progress.snapshotAfter;
  }

  /** All that was acknowledged so far at any level is at or below it: what proves an age must cover `local` too (G11). */
  #acknowledgedTo(): LogIndex {
    return Math.max(this.#context.commit, this.#context.persists.durable) as LogIndex;
  }

  #confirm(): void {
    const rounds = [this.#rounds.last];
    for (const progress of this.progress.values())
      rounds.push(progress.excluded ? 0 : progress.answeredRound);
    const confirmed = majorityValue(rounds);
    if (confirmed <= this.#confirmedRound) return;
    this.#confirmedRound = confirmed;
    for (const [peer, echo] of this.#waitingEchoes) {
      if (echo.round > confirmed) continue;
      this.#waitingEchoes.delete(peer);
      if (peer === this.#context.config.self) this.#freshness.offer(echo, this.#applier.applied.index);
      else this.#readyEchoes.set(peer, echo);
    }
  }
}

/**
 * Behind what is known to be committed, if that is near: a peer may lack the rest, or hold another. Asked whether it has the
 * end it would refuse first, and the election would take a round trip longer.
 */
function firstNext({ log, commit }: Context): LogIndex {
  const end = log.last.index;
  let bytes = 0;
  for (let index = end; index > commit; index--) {
    const entry = log.cached(index);
    bytes += entry === undefined ? FIRST_PROBE_BYTES : entryBytes(entry);
    if (bytes >= FIRST_PROBE_BYTES) return (end + 1) as LogIndex;
  }
  return (commit + 1) as LogIndex;
}
