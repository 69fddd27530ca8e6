import type { LogIndex } from '@holdfast/types';

/** Places are noted no closer than this, so that a tail of any length takes few of them. */
const STEP_BYTES = 1_048_576;

/** Where in the log its newest so-many bytes begin; good to about a megabyte. */
export class LogTail {
  /** Log bytes written before each index, growing in both. */
  readonly #marks: { readonly index: LogIndex; readonly bytesBefore: number }[];
  #bytes: number;

  /** What recovery found counts as spread evenly. */
  constructor(recovered: { readonly first: LogIndex; readonly next: LogIndex; readonly bytes: number }) {
    const { first, next, bytes } = recovered;
    this.#bytes = next > first ? bytes : 0;
    this.#marks = [{ index: first, bytesBefore: 0 }];
    const steps = Math.min(next - first, Math.floor(this.#bytes / STEP_BYTES));
    for (let step = 1; step <= steps; step += 1) {
      const index = (first + Math.floor(((next - first) * step) / steps)) as LogIndex;
      this.#marks.push({ index, bytesBefore: (this.#bytes * step) / steps });
    }
  }

  /** An entry was written at `index`; the ones it superseded stay counted until they fall out of the tail. */
  wrote(index: LogIndex, bytes: number): void {
    while (this.#marks.length > 0 && this.#marks.at(-1)!.index > index) this.#marks.pop();
    const last = this.#marks.at(-1);
    if (last === undefined || this.#bytes - last.bytesBefore >= STEP_BYTES) {
      this.#marks.push({ index, bytesBefore: this.#bytes });
    }
    this.#bytes += bytes;
  }

  /** The log below it is not among the newest `bytes`. Forgets everything older. */
  startOf(bytes: number): LogIndex {
    let keep = 0;
    while (keep + 1 < this.#marks.length && this.#bytes - this.#marks[keep + 1]!.bytesBefore >= bytes)
      keep += 1;
    this.#marks.splice(0, keep);
    return this.#marks[0]!.index;
  }
}
