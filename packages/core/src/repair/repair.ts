import type { Entry, LogIndex, NodeId, Position, Term } from '@holdfast/types';
import type { Context } from '../kernel/context.ts';

const ASK_AGAIN_MS = 100;

interface Hole {
  readonly from: LogIndex;
  readonly to: LogIndex;
}

/**
 * Fills holes that damage left in the log. Entries are pulled backwards from the first one behind the hole: its
 * previous term names the next one exactly, so any peer's copy will do, damaged ones' too.
 */
export class Repair {
  readonly #context: Context;
  #holes: Hole[];
  /** Pulled for the last hole, newest first. */
  #pulled: Entry[] = [];
  #wanted: Position | undefined;
  #askAt = 0;
  #asked = 0;
  #loading: { readonly id: number; readonly behind: LogIndex } | undefined;

  constructor(context: Context, holes: readonly Hole[]) {
    this.#context = context;
    this.#holes = [...holes];
  }

  get active(): boolean {
    return this.#holes.length > 0;
  }

  get holes(): number {
    return this.#holes.length;
  }

  tick(): void {
    const hole = this.#holes.at(-1);
    if (hole === undefined) return;
    if (this.#wanted === undefined) this.#loadBehind(hole);
    else if (this.#context.now >= this.#askAt) {
      this.#asked++;
      this.#ask(this.#wanted);
    }
  }

  /** The entry behind the hole, which names what is missing. */
  onLoaded(id: number, entries: readonly Entry[]): boolean {
    if (this.#loading?.id !== id) return false;
    const behind = entries.find((entry) => entry.index === this.#loading!.behind);
    this.#loading = undefined;
    if (behind !== undefined) this.#want((behind.index - 1) as LogIndex, behind.previousTerm);
    return true;
  }

  onPulled(entry: Entry | undefined): void {
    const wanted = this.#wanted;
    if (wanted === undefined || entry === undefined) return;
    if (entry.index !== wanted.index || entry.term !== wanted.term) return;
    this.#pulled.push(entry);
    const hole = this.#holes.at(-1)!;
    if (entry.index > hole.from) this.#want((entry.index - 1) as LogIndex, entry.previousTerm);
    else this.#fill(hole);
  }

  #fill(hole: Hole): void {
    const entries = this.#pulled.reverse();
    this.#pulled = [];
    this.#wanted = undefined;
    this.#holes.pop();
    this.#context.persist({ kind: 'repair', entries });
    this.#context.log.repaired(entries);
    this.#context.notice({ kind: 'repair', index: hole.from, state: 'healed' });
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
    this.#context.notice({ kind: 'repair', index: hole.to, state: 'pulling' });
  }

  #want(index: LogIndex, term: Term): void {
    this.#wanted = { index, term };
    this.#ask(this.#wanted);
  }

  /** The same peer as long as it answers, then the next. */
  #ask(wanted: Position): void {
    this.#askAt = this.#context.now + ASK_AGAIN_MS;
    const linked: NodeId[] = this.#context.others.filter((peer) => this.#context.links.get(peer)!.up);
    const peer = linked[this.#asked % Math.max(1, linked.length)];
    if (peer !== undefined)
      this.#context.send(peer, { kind: 'pull', index: wanted.index, term: wanted.term });
  }
}
