import type { LogIndex } from '@holdfast/types';

/** Where in the log its newest so-many bytes begin; good to about a step. */
export class LogTail {
  readonly #stepBytes: number;
  /** Log bytes written before each index, growing in both. */
  readonly #marks: { readonly index: LogIndex; readonly bytesBefore: number }[];
  #bytes: number;

  /**
   * What recovery found counts as spread evenly. Places are noted no closer than `stepBytes`, so that a tail of any
   * length takes few of them.
   */
  constructor(
    recovered: { readonly first: LogIndex; readonly next: LogIndex; readonly bytes: number },
    stepBytes: number,
  ) {
    const { first, next, bytes } = recovered;
    this.#stepBytes = stepBytes;
    this.#bytes = next > first ? bytes : 0;
    this.#marks = [{ index: first, bytesBefore: 0 }];
    const steps = Math.min(next - first, Math.floor(this.#bytes / stepBytes));
    for (let step = 1; step <= steps; step += 1) {
      const index = (first + Math.floor(((next - first) * step) / steps)) as LogIndex;
      this.#marks.push({ index, bytesBefore: (this.#bytes * step) / steps });
    }
  }

  /** So many more were written, whatever they are taken up by. */
  grewBy(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The next are of the entry at `index`; those that it supersedes stay counted until they fall out of the tail. */
  reached(index: LogIndex): void {
    while (this.#marks.length > 0 && this.#marks.at(-1)!.index > index) this.#marks.pop();
    const last = this.#marks.at(-1);
    if (last === undefined || this.#bytes - last.bytesBefore >= this.#stepBytes) {
      this.#marks.push({ index, bytesBefore: this.#bytes });
    }
  }

  /** The log below it is not among the newest `bytes`. */
  startOf(bytes: number): LogIndex {
    return this.#marks[this.#placeOf(bytes)]!.index;
  }

  /** Of what is older than the newest `bytes` it needs to know no more. */
  forget(bytes: number): void {
    this.#marks.splice(0, this.#placeOf(bytes));
  }

  #placeOf(bytes: number): number {
    let place = 0;
    while (place + 1 < this.#marks.length && this.#bytes - this.#marks[place + 1]!.bytesBefore >= bytes)
      place += 1;
    return place;
  }
}
