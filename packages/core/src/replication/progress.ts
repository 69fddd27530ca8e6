import { assert, type LogIndex, type NodeId } from '@holdfast/types';

/** The log waits for a peer that is behind as long as it takes something now and then, milliseconds. */
const STUCK_MS = 60_000;

/** Between a snapshot that failed and the next to the same peer, milliseconds. */
const SNAPSHOT_PAUSE_MS = 1000;

/** What the primary of one term knows of one peer. */
export class Progress {
  readonly peer: NodeId;
  /**
   * `probe`: one append at a time until one matches. `replicate`: appends in flight up to the window.
   * `snapshot`: a snapshot is under way, no appends.
   */
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** Durable there and equal to this log. Never goes down within a term. */
  match = 0 as LogIndex;
  /** First entry to send next. Invariant: above `match`. */
  next: LogIndex;
  /** Which run of the peer's process last said what it holds. */
  matchedBoot: string | undefined;
  applied = 0 as LogIndex;
  linked = false;
  /** Not the disk that the membership names, or it does not hold what it acknowledged: never counted. */
  excluded = false;
  /** Newest round answered while it was remembered. */
  answeredRound = 0;
  /** Newest round answered, however late. */
  heardRound = 0;
  /** Newest round when an append was last sent. */
  sentRound = 0;
  /** Send time of the newest answered round: proof that it was loyal then. */
  contactAt: number;
  /** It held all of the log as of then, and has not been seen level since; undefined when level. */
  behindSince: number | undefined;
  /** Where the log ended at a moment since: under steady load it is never seen level, but it comes past that. */
  #behindAt: { readonly end: LogIndex; readonly at: number } | undefined;
  /** When it last took something: `match` rose, or a snapshot arrived. */
  movedAt: number;
  /** In state `snapshot`: what is on its way holds everything before this entry. */
  snapshotFrom = 0 as LogIndex;
  /** It needs a snapshot that has not been begun, as far as is known: until it is asked again. */
  snapshotDue = false;
  /** Its log alone does not help it, as it has said since it was last asked. */
  snapshotWanted = false;
  /** In state `snapshot`: when it said that it holds what the log goes on from. */
  overtakenAt: number | undefined;
  /** When the next snapshot may begin, ms. */
  snapshotAfter: number = Number.NEGATIVE_INFINITY;
  /** When an append was last sent or a match came: a stall is probed anew. */
  activeAt: number;
  probePending = false;
  /** A load of entries for it is under way. */
  loading: number | undefined;
  #inflight: { readonly last: LogIndex; readonly bytes: number }[] = [];
  #inflightBytes = 0;

  constructor(peer: NodeId, options: { readonly next: LogIndex; readonly now: number }) {
    this.peer = peer;
    this.next = options.next;
    this.contactAt = options.now;
    this.activeAt = options.now;
    this.movedAt = options.now;
  }

  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  /** On their way but for the newest append, which was sent while these left room. */
  get earlierBytes(): number {
    return this.#inflightBytes - (this.#inflight.at(-1)?.bytes ?? 0);
  }

  get inflightCount(): number {
    return this.#inflight.length;
  }

  /** Room in the window for one more append. */
  hasRoom(window: { readonly entries: number; readonly bytes: number }): boolean {
    return this.#inflight.length < window.entries && this.#inflightBytes < window.bytes;
  }

  sent(append: {
    readonly last: LogIndex;
    readonly bytes: number;
    readonly now: number;
    readonly round: number;
  }): void {
    this.activeAt = append.now;
    this.sentRound = append.round;
    if (this.state === 'probe') {
      this.probePending = true;
      return;
    }
    this.next = (append.last + 1) as LogIndex;
    this.#inflight.push({ last: append.last, bytes: append.bytes });
    this.#inflightBytes += append.bytes;
  }

  /** True when it brought news. */
  matched(match: LogIndex, now: number): boolean {
    const news = match > this.match;
    if (news) {
      this.match = match;
      this.movedAt = now;
    }
    this.activeAt = now;
    let done = 0;
    while (done < this.#inflight.length && this.#inflight[done]!.last <= match) {
      this.#inflightBytes -= this.#inflight[done]!.bytes;
      done++;
    }
    if (done > 0) this.#inflight.splice(0, done);
    if (this.next <= match) this.next = (match + 1) as LogIndex;
    if (this.state === 'probe') {
      this.state = 'replicate';
      this.next = (this.match + 1) as LogIndex;
      this.probePending = false;
    }
    return news;
  }

  /** `end`: of the log. */
  measure(end: LogIndex, now: number): void {
    if (this.match >= end) {
      this.behindSince = undefined;
      this.#behindAt = undefined;
      return;
    }
    if (this.#behindAt !== undefined && this.match < this.#behindAt.end) return;
    this.behindSince = this.#behindAt?.at ?? now;
    this.#behindAt = { end, at: now };
  }

  /** What was in flight may be lost: ask again from `next`. */
  becomeProbe(next: LogIndex): void {
    assert(next > this.match, `probe of ${this.peer} from ${next}, matched to ${this.match}`);
    this.state = 'probe';
    this.next = next;
    this.probePending = false;
    this.snapshotDue = false;
    this.snapshotWanted = false;
    this.overtakenAt = undefined;
    this.loading = undefined;
    this.#inflight = [];
    this.#inflightBytes = 0;
  }

  /** `applied`: what is sent is no older than that. */
  becomeSnapshot(applied: LogIndex): void {
    this.becomeProbe((this.match + 1) as LogIndex);
    this.state = 'snapshot';
    this.snapshotFrom = (applied + 1) as LogIndex;
  }

  /** `position`: what the peer has now; without it the transfer failed. */
  snapshotEnded(position: LogIndex | undefined, now: number): void {
    this.activeAt = now;
    if (position === undefined) this.snapshotAfter = now + SNAPSHOT_PAUSE_MS;
    else this.movedAt = now;
  }

  /** The first entry that the log is to keep for it; undefined: it has to take the log as it is. */
  keptFrom(now: number): LogIndex | undefined {
    if (this.state === 'snapshot') return this.snapshotFrom;
    if (!this.linked || this.excluded) return undefined;
    const stuckMs = this.behindSince === undefined ? 0 : now - Math.max(this.behindSince, this.movedAt);
    return stuckMs > STUCK_MS ? undefined : ((this.match + 1) as LogIndex);
  }
}
