import type { LogIndex, Revision } from '@holdfast/types';

interface Line {
  readonly index: LogIndex;
  readonly bytes: number;
  readonly sealedAt: number;
  readonly lastRevision: Revision;
}

/** Bytes, age and revisions of what this primary has logged above the commit index and above applied. */
export class LogLedger {
  #lines: Line[] = [];
  #committed = 0;
  #uncommittedBytes = 0;
  #unappliedBytes = 0;
  #committedRevision: Revision;

  constructor(committedRevision: Revision) {
    this.#committedRevision = committedRevision;
  }

  get uncommittedBytes(): number {
    return this.#uncommittedBytes;
  }

  get unappliedBytes(): number {
    return this.#unappliedBytes;
  }

  /** Newest revision known committed. */
  get committedRevision(): Revision {
    return this.#committedRevision;
  }

  /** When the oldest entry that is not committed was sealed; undefined when all are. */
  get oldestUncommittedAt(): number | undefined {
    return this.#lines[this.#committed]?.sealedAt;
  }

  /** Index of the entry that handed out `revision`; undefined when it is applied already or not handed out yet. */
  indexOf(revision: Revision): LogIndex | undefined {
    let low = 0;
    let high = this.#lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#lines[middle]!.lastRevision < revision) low = middle + 1;
      else high = middle;
    }
    return this.#lines[low]?.index;
  }

  sealed(line: Line): void {
    this.#lines.push(line);
    this.#uncommittedBytes += line.bytes;
    this.#unappliedBytes += line.bytes;
  }

  commit(index: LogIndex): void {
    while (this.#committed < this.#lines.length && this.#lines[this.#committed]!.index <= index) {
      const line = this.#lines[this.#committed++]!;
      this.#uncommittedBytes -= line.bytes;
      this.#committedRevision = line.lastRevision;
    }
  }

  applied(index: LogIndex): void {
    let done = 0;
    while (done < this.#committed && this.#lines[done]!.index <= index)
      this.#unappliedBytes -= this.#lines[done++]!.bytes;
    if (done === 0) return;
    this.#lines.splice(0, done);
    this.#committed -= done;
  }
}
