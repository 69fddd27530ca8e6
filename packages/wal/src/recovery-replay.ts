import type { LogIndex, Term, Ticket } from '@holdfast/types';
import { alignUp, BLOCK_BYTES } from './bytes.ts';
import { LogContent } from './log-content.ts';
import { EMPTY_STATE, type LogState, stateDigest } from './log-state.ts';
import type { EntryPlace } from './record-payload.ts';
import { encodeSegmentHead } from './segment-head.ts';
import type { ScannedFrame, SegmentScan } from './segment-scan.ts';

/** What a log comes to by what can be read of it. Segments are those that were ever written to, in order. */
export interface Replay {
  readonly content: LogContent;
  readonly state: LogState;
  /** Newest record. */
  readonly ticket: Ticket;
  /** The segment in which the log ends, and what was known at its beginning. */
  readonly tailSegment: number;
  readonly tailState: LogState;
  readonly tailFirstTicket: Ticket;
  /** The frames of it that count. */
  readonly tailFrames: readonly ScannedFrame[];
  /** Where in it the last of what counts ends. */
  readonly tailEnd: number;
  /** Records are missing that were synced. */
  readonly damaged: boolean;
  /** Damage took more than what stands behind it can tell: this node must not vote again. */
  readonly hardStateLost: boolean;
}

/** Blocks that the heads of a new directory's first segment take. */
const FIRST_HEADS_BYTES = 8192;

/**
 * Pure. Y (`syncedTicket`) is the highest ticket that any sound frame or head calls synced. The first missing
 * ticket above it ends the log: a torn tail, whatever stands behind it. A missing one at or below it is damage.
 */
export function replay(segments: readonly SegmentScan[]): Replay {
  const run = new ReplayRun(syncedTicketOf(segments));
  for (const segment of segments) {
    run.enterSegment(segment);
    if (!segment.frames.every((frame) => run.accept(frame, segment.segment))) break;
  }
  return run.finish(segments);
}

/**
 * A segment in which the disk fails to read what may have been synced behind the end that was found, if there is one.
 * Whatever was written next begins with a block right behind the end, or with the segment: where that one can be read,
 * and is zeros as all the rest, there was nothing.
 */
export function unreadableEnd(segments: readonly SegmentScan[], read: Replay): SegmentScan | undefined {
  return segments.find(({ segment, usedBytes, lost }) => {
    if (segment < read.tailSegment) return false;
    const end = segment === read.tailSegment ? read.tailEnd : 0;
    const firstBlockEnd = alignUp(end, BLOCK_BYTES) + BLOCK_BYTES;
    return lost.some(({ from, to }) => to > end && (usedBytes > end || from < firstBlockEnd));
  });
}

function syncedTicketOf(segments: readonly SegmentScan[]): Ticket {
  let synced = 0;
  for (const { head, frames } of segments) {
    if (head !== undefined) synced = Math.max(synced, head.firstTicket - 1);
    for (const { header } of frames) synced = Math.max(synced, header.synced);
  }
  return synced as Ticket;
}

class ReplayRun {
  readonly #content: LogContent = new LogContent();
  readonly #syncedTicket: Ticket;
  #state: LogState = EMPTY_STATE;
  /** Undefined until something says where the first segment that is left begins. */
  #ticket: Ticket | undefined;
  #tailSegment = 0;
  #tailState: LogState = EMPTY_STATE;
  #tailFirstTicket: Ticket = 1 as Ticket;
  #tailFrames: ScannedFrame[] = [];
  #tailEnd = 0;
  #damaged = false;
  /** Of the last thing accepted; differs from that of `#state` if a genesis or base was lost. */
  #digest: number = stateDigest(EMPTY_STATE);
  /** The term before the first entry of a frame behind damage: does the entry before it fit? */
  readonly #links: Map<LogIndex, Term> = new Map();

  constructor(syncedTicket: Ticket) {
    this.#syncedTicket = syncedTicket;
  }

  enterSegment(scan: SegmentScan): void {
    const head = scan.head;
    if (this.#ticket === undefined && scan.segment === 1) this.#ticket = 0 as Ticket;
    if (head !== undefined) {
      const before = (head.firstTicket - 1) as Ticket;
      if (this.#ticket === undefined) this.#content.map.reset(head.state.last);
      else if (this.#ticket < before) this.#damaged = true;
      this.#ticket = before;
      this.#adopt(head.state);
    }
    this.#tailSegment = scan.segment;
    this.#tailState = this.#state;
    this.#tailFirstTicket = ((this.#ticket ?? 0) + 1) as Ticket;
    this.#tailFrames = [];
    this.#tailEnd = head === undefined ? 0 : encodeSegmentHead(head).byteLength;
  }

  /** False: the log ends before this frame. */
  accept(frame: ScannedFrame, segment: number): boolean {
    const { header, record } = frame;
    if (header.kind !== 'mark' && record === undefined) return true;
    const reached = header.kind === 'mark' ? header.ticket : ((header.ticket - 1) as Ticket);
    this.#ticket ??= this.#startAt(frame, reached);
    if (this.#ticket < reached) {
      if (reached > this.#syncedTicket) return false;
      this.#damaged = true;
    }
    this.#tailEnd = frame.payloadOffset + header.payloadBytes;
    // The second copy of a doubled frame, or a mark that says less than is known.
    if (header.ticket < this.#ticket || (record !== undefined && header.ticket === this.#ticket)) return true;
    this.#ticket = header.ticket;
    if (record !== undefined) this.#apply(frame, segment);
    this.#state = {
      ...this.#state,
      exclusion: header.exclusion,
      hardState: header.hardState,
      commitFloor: Math.max(this.#state.commitFloor, header.commitFloor) as LogIndex,
      last: header.last,
    };
    this.#digest = header.stateDigest;
    this.#content.reconcile(header.last);
    this.#tailFrames.push(frame);
    return true;
  }

  finish(segments: readonly SegmentScan[]): Replay {
    if (this.#damaged) this.#disownStrangers();
    const ticket = this.#ticket ?? (0 as Ticket);
    return {
      content: this.#content,
      state: this.#state,
      ticket,
      tailSegment: this.#tailSegment,
      tailState: this.#tailState,
      tailFirstTicket: this.#tailFirstTicket,
      tailFrames: this.#tailFrames,
      tailEnd: this.#tailEnd,
      damaged: this.#damaged,
      hardStateLost:
        ticket < this.#syncedTicket || this.#digest !== stateDigest(this.#state) || destroyedTail(segments),
    };
  }

  /** No head says what came before the first frame that is left: the log begins with it. */
  #startAt(frame: ScannedFrame, reached: Ticket): Ticket {
    const first = frame.record !== undefined && 'places' in frame.record ? frame.record.places[0] : undefined;
    const last = frame.header.last;
    this.#content.map.reset(
      first === undefined ? last : { index: (first.index - 1) as LogIndex, term: first.previousTerm },
    );
    this.#damaged = true;
    this.#tailFirstTicket = (reached + 1) as Ticket;
    this.#tailState = { ...EMPTY_STATE, hardState: frame.header.hardState, last: this.#content.map.last };
    return reached;
  }

  /** A head repeats all that came before it, so that nothing but entries is lost with older frames. */
  #adopt(state: LogState): void {
    const { map } = this.#content;
    if (
      state.base.position.index > this.#state.base.position.index &&
      state.base.position.index >= map.first
    ) {
      if (state.base.position.index < map.last.index)
        map.dropBelow((state.base.position.index + 1) as LogIndex);
      else map.reset(state.base.position);
    }
    this.#content.reconcile(state.last);
    this.#state = { ...state, commitFloor: Math.max(state.commitFloor, this.#state.commitFloor) as LogIndex };
    this.#digest = stateDigest(state);
  }

  #apply(frame: ScannedFrame, segment: number): void {
    const { header, record } = frame;
    if (record === undefined) return;
    if (record.kind === 'genesis') this.#state = { ...this.#state, genesis: record.genesis };
    if (record.kind === 'base') {
      const { position, directory } = record;
      this.#state = { ...this.#state, base: { position, directory } };
    }
    this.#content.apply(record, { segment, commitFloor: header.commitFloor });
    if (record.kind === 'repair')
      for (const place of record.places) this.#links.set(place.index, place.previousTerm);
    if (record.kind === 'entries') this.#noteLink(record.places);
  }

  /** Only what does not fit the entry before, for now or for good, is worth remembering. */
  #noteLink(places: readonly EntryPlace[]): void {
    const first = places[0];
    if (first === undefined) return;
    for (const index of this.#links.keys()) if (index >= first.index) this.#links.delete(index);
    if (this.#content.map.termAt(first.index - 1) !== first.previousTerm)
      this.#links.set(first.index, first.previousTerm);
  }

  /**
   * A lost frame may have replaced entries that are still held: the one before an entry that names another
   * term is such, and so is every older one of a higher term than that, for terms never fall along a log.
   * Whoever repairs the gap goes on backwards from there.
   */
  #disownStrangers(): void {
    const { map } = this.#content;
    const end = (map.last.index + 1) as LogIndex;
    // An entry that was cut off says nothing any more, even if it stood right behind the present end.
    const links = [...this.#links].filter(([index]) => map.holds(index));
    links.push([end, map.last.term]);
    for (const [index, previousTerm] of links.sort(([one], [other]) => other - one)) {
      for (let at = index - 1; at >= map.first; at--) {
        const term = map.termAt(at);
        const stranger =
          term !== undefined && (term > previousTerm || (at === index - 1 && term !== previousTerm));
        if (term !== undefined && !stranger) break;
        this.#content.disown(at as LogIndex);
      }
    }
  }
}

/** The last segment was written to and nothing of it can be read: was that its first write, or was there more? */
function destroyedTail(segments: readonly SegmentScan[]): boolean {
  const last = segments.at(-1);
  if (last === undefined || last.head !== undefined || last.frames.length > 0) return false;
  if (!last.beginsAsWritten) return true;
  const before = segments.at(-2);
  if (before === undefined) return last.segment !== 1 || last.usedBytes > FIRST_HEADS_BYTES;
  const mark = before.frames.at(-1)?.header;
  return mark === undefined || mark.kind !== 'mark' || mark.synced !== mark.ticket;
}
