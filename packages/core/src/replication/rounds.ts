/** How many unanswered rounds are remembered; older ones can no longer be confirmed. */
const ROUNDS_MAX = 1024;

/**
 * Numbered heartbeat rounds of one term. A round that a majority answered proves that this node was primary when
 * the round began: what linearizable reads and check-quorum rest on. Numbers are never reused (fault 52).
 */
export class Rounds {
  #last = 0;
  #sentAt: number[] = [];
  #first = 1;

  get last(): number {
    return this.#last;
  }

  begin(now: number): number {
    this.#last++;
    this.#sentAt.push(now);
    if (this.#sentAt.length > ROUNDS_MAX) {
      const excess = this.#sentAt.length - ROUNDS_MAX;
      this.#sentAt.splice(0, excess);
      this.#first += excess;
    }
    return this.#last;
  }

  /** Undefined for a round that is forgotten or was never begun. */
  sentAt(round: number): number | undefined {
    return this.#sentAt[round - this.#first];
  }
}
