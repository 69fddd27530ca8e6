/** A write that got through. */
export interface FencedWrite {
  readonly token: number;
  readonly writer: string;
}

/** What locks are to protect: it remembers the greatest token it has seen, and refuses smaller ones. */
export class FencedResource {
  readonly accepted: FencedWrite[] = [];
  refused = 0;
  #greatest = 0;

  write(write: FencedWrite): boolean {
    if (write.token < this.#greatest) {
      this.refused += 1;
      return false;
    }
    this.#greatest = write.token;
    this.accepted.push(write);
    return true;
  }

  /** How often the lock was had by somebody who wrote. */
  get holders(): number {
    return new Set(this.accepted.map(({ token }) => token)).size;
  }

  /** Writers whose writes another's stand between. */
  get interleaved(): string[] {
    const begun = new Set<string>();
    const found: string[] = [];
    let last: string | undefined;
    for (const { writer, token } of this.accepted) {
      const holder = `${writer} with ${token}`;
      if (holder !== last && begun.has(holder)) found.push(holder);
      begun.add(holder);
      last = holder;
    }
    return found;
  }
}
