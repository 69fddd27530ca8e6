import type { Entry, LogIndex, NodeId, Position, Term, Ticket } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

const ASK_AGAIN_MS = 100;

interface Hole {
  readonly from: LogIndex;
  readonly to: LogIndex;
}

/**
 * Fills holes that damage left in the log. Entries are pulled backwards from the first one behind the hole: its
 * previous term names the next one exactly, so any peer's copy will do, damaged ones' too. The lost frame may have
 * cut the log further back than the hole shows: pulling ends where the previous term is that of the entry held.
 */
export class Repair {
  readonly #context: Context;
  #holes: Hole[];
  /** Pulled for the last hole, newest first. */
  #pulled: Entry[] = [];
  #wanted: Position | undefined;
  /** Of what filled the last hole. */
  #ticket = 0 as Ticket;
  #askAt = 0;
  #asked = 0;
  /** Peers that have not what is wanted. */
  readonly #without = new Set<NodeId>();
  #loading: { readonly id: number; readonly behind: LogIndex } | undefined;

  constructor(context: Context, holes: readonly Hole[]) {
    this.#context = context;
    this.#holes = [...holes];
  }

  /** Until what fills the holes is durable: before that nothing of it is applied, and nothing behind it promised (P5, P7). */
  get active(): boolean {
    return this.#holes.length > 0 || this.#context.persists.completed < this.#ticket;
  }

  get holes(): number {
    return this.#holes.length;
  }

  /** No peer within reach has what is wanted: it was compacted, or lost an election. Only a snapshot helps. */
  get exhausted(): boolean {
    const linked = this.#linked();
    return this.#wanted !== undefined && linked.length > 0 && linked.every((peer) => this.#without.has(peer));
  }

  /**
   * The log's. Of what is inside a hole only so much is known as the entries behind it tell, whether or not anybody has it:
   * what they grew from may be the end of all snapshots that there are.
   */
  termAt(index: LogIndex): Term | undefined {
    if (index === this.#wanted?.index) return this.#wanted.term;
    const pulled = this.#pulled.find((entry) => entry.index === index);
    return pulled === undefined ? this.#heldTermAt(index) : pulled.term;
  }

  /** The first index from `index` on that is in no hole. */
  behind(index: LogIndex): LogIndex {
    const hole = this.#holes.find(({ from, to }) => from <= index && index <= to);
    return hole === undefined ? index : ((hole.to + 1) as LogIndex);
  }

  tick(): void {
    const hole = this.#holes.at(-1);
    if (hole === undefined) return;
    if (this.#wanted === undefined) this.#loadBehind(hole);
    else if (this.#context.now >= this.#askAt) this.#ask(this.#wanted);
  }

  /** The entry behind the hole, which names what is missing. */
  onLoaded(id: number, entries: readonly Entry[]): boolean {
    if (this.#loading?.id !== id) return false;
    const { behind } = this.#loading;
    const entry = entries.find((one) => one.index === behind);
    this.#loading = undefined;
    if (entry !== undefined) this.#want((entry.index - 1) as LogIndex, entry.previousTerm);
    return true;
  }

  onPulled(from: NodeId, index: LogIndex, entry: Entry | undefined): void {
    const wanted = this.#wanted;
    if (wanted === undefined || index !== wanted.index) return;
    if (entry?.index !== wanted.index || entry.term !== wanted.term) {
      this.#without.add(from);
      return;
    }
    this.#pulled.push(entry);
    if (this.#isHeaded(entry)) this.#fill();
    else this.#want((entry.index - 1) as LogIndex, entry.previousTerm);
  }

  /** A snapshot stands in for everything up to `index`, or for all there was. */
  rebased(index: LogIndex | undefined): void {
    this.#holes = this.#holes.flatMap(({ from, to }) =>
      index === undefined || to <= index ? [] : [{ from: Math.max(from, index + 1) as LogIndex, to }],
    );
    this.#wanted = undefined;
    this.#loading = undefined;
    this.#pulled = [];
    this.#without.clear();
  }

  /** What comes before it is held, and is what it grew from; or is for the next hole; or is gone by right. */
  #isHeaded(entry: Entry): boolean {
    const { log } = this.#context;
    const before = (entry.index - 1) as LogIndex;
    if (before < log.first) return true;
    if (before >= this.#holes.at(-1)!.from) return false;
    const held = this.#heldTermAt(before);
    return held === undefined || held === entry.previousTerm;
  }

  #heldTermAt(index: LogIndex): Term | undefined {
    if (this.#holes.some(({ from, to }) => from <= index && index <= to)) return undefined;
    return this.#context.log.termAt(index);
  }

  #fill(): void {
    const entries = this.#pulled.reverse();
    this.#pulled = [];
    this.#wanted = undefined;
    const hole = this.#holes.pop()!;
    this.#ticket = this.#context.persist({ kind: 'repair', entries });
    this.#context.log.repaired(entries);
    this.#context.notice({
      kind: 'repair',
      index: hole.from,
      state: 'healed',
      reason: 'peers had what was lost',
    });
  }

  #loadBehind(hole: Hole): void {
    if (this.#loading !== undefined) return;
    const behind = (hole.to + 1) as LogIndex;
    if (behind > this.#context.log.last.index) {
      this.#want(hole.to, this.#context.log.last.term);
      return;
    }
    this.#loading = { id: this.#context.newLoadId(), behind };
    this.#context.emit({ kind: 'load', id: this.#loading.id, from: behind, to: behind, bytesMax: 1 });
    this.#context.notice({ kind: 'repair', index: hole.to, state: 'pulling', reason: 'damage took it' });
  }

  #want(index: LogIndex, term: Term): void {
    this.#wanted = { index, term };
    this.#without.clear();
    this.#ask(this.#wanted);
  }

  /** The same peer as long as it has what is wanted, then the next; in turn when all have been asked. */
  #ask(wanted: Position): void {
    this.#askAt = this.#context.now + ASK_AGAIN_MS;
    const linked = this.#linked();
    const untried = linked.filter((peer) => !this.#without.has(peer));
    const peers = untried.length > 0 ? untried : linked;
    const peer = peers[this.#asked++ % Math.max(1, peers.length)];
    if (peer !== undefined)
      this.#context.send(peer, { kind: 'pull', index: wanted.index, term: wanted.term });
  }

  #linked(): NodeId[] {
    return this.#context.others.filter((peer) => this.#context.links.get(peer)!.up);
  }
}
