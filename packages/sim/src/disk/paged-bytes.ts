const PAGE_BYTES = 4096;
const ZERO_PAGE: Uint8Array = new Uint8Array(PAGE_BYTES);

/**
 * The bytes of a file as pages that are not changed once a copy shares them, so that a copy of a file of any size costs
 * one array of references. A page never written is a hole: it reads as zeros and takes no space.
 */
export class PagedBytes {
  #pages: (Uint8Array | undefined)[] = [];
  /** By page: no copy shares it, so it is changed in place. */
  #isOwn: boolean[] = [];
  #length = 0;
  #pageCount = 0;

  copy(): PagedBytes {
    const copy = new PagedBytes();
    copy.#pages = this.#pages.slice();
    this.#isOwn = [];
    copy.#length = this.#length;
    copy.#pageCount = this.#pageCount;
    return copy;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of the pages that are not holes. */
  get allocatedBytes(): number {
    return this.#pageCount * PAGE_BYTES;
  }

  read(position: number, length: number): Uint8Array {
    const end = Math.min(position + length, this.#length);
    const result = new Uint8Array(Math.max(0, end - position));
    for (const piece of pieces(position, result.length)) {
      const page = this.#pages[piece.page];
      if (page !== undefined) result.set(page.subarray(piece.start, piece.end), piece.offset);
    }
    return result;
  }

  /** Grows the file if the bytes end beyond it. */
  write(position: number, bytes: Uint8Array): void {
    for (const piece of pieces(position, bytes.length)) {
      const part = bytes.subarray(piece.offset, piece.offset + piece.end - piece.start);
      if (this.#isOwn[piece.page] === true) this.#pages[piece.page]!.set(part, piece.start);
      else this.#setPage(piece.page, this.#pageWith(piece.page, piece.start, part));
    }
    this.#length = Math.max(this.#length, position + bytes.length);
  }

  /** What a shorter length cuts off is gone: growing again shows zeros there. */
  resize(length: number): void {
    if (length < this.#length) {
      const lastPage = Math.floor(length / PAGE_BYTES);
      const kept = this.#pages[lastPage];
      for (let page = this.#pages.length - 1; page >= lastPage; page--) this.#setPage(page, undefined);
      this.#pages.length = Math.min(this.#pages.length, lastPage);
      if (kept !== undefined && length % PAGE_BYTES > 0) {
        const page = new Uint8Array(PAGE_BYTES);
        page.set(kept.subarray(0, length % PAGE_BYTES));
        this.#setPage(lastPage, page);
      }
    }
    this.#length = length;
  }

  /** Bytes that writing there would newly allocate. */
  bytesToAllocate(position: number, length: number): number {
    let count = 0;
    for (const piece of pieces(position, length)) if (this.#pages[piece.page] === undefined) count++;
    return count * PAGE_BYTES;
  }

  #pageWith(number: number, start: number, part: Uint8Array): Uint8Array {
    if (part.length === PAGE_BYTES) return isZero(part) ? ZERO_PAGE : part.slice();
    const page = new Uint8Array(PAGE_BYTES);
    const old = this.#pages[number];
    if (old !== undefined) page.set(old);
    page.set(part, start);
    return page;
  }

  #setPage(number: number, page: Uint8Array | undefined): void {
    if (this.#pages[number] !== undefined) this.#pageCount--;
    if (page !== undefined) this.#pageCount++;
    while (this.#pages.length < number) this.#pages.push(undefined);
    this.#pages[number] = page;
    this.#isOwn[number] = page !== undefined && page !== ZERO_PAGE;
  }
}

interface Piece {
  readonly page: number;
  /** Range within the page. */
  readonly start: number;
  readonly end: number;
  /** Where it begins within the bytes asked for. */
  readonly offset: number;
}

function* pieces(position: number, length: number): Generator<Piece> {
  for (let offset = 0; offset < length; ) {
    const page = Math.floor((position + offset) / PAGE_BYTES);
    const start = (position + offset) % PAGE_BYTES;
    const end = Math.min(PAGE_BYTES, start + length - offset);
    yield { page, start, end, offset };
    offset += end - start;
  }
}

function isZero(page: Uint8Array): boolean {
  return Buffer.compare(page, ZERO_PAGE) === 0;
}
