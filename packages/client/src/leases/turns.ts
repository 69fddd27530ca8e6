/** One at a time: those that cannot wait before the others, otherwise in the order of coming. */
export class Turns {
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #isTaken = false;

  /** Resolves when it is the caller's turn, which lasts until `end`. */
  take({ isUrgent }: { readonly isUrgent: boolean }): Promise<void> {
    if (this.#isTaken) {
      const turn = Promise.withResolvers<void>();
      (isUrgent ? this.#urgent : this.#others).push(turn.resolve);
      return turn.promise;
    }
    this.#isTaken = true;
    return Promise.resolve();
  }

  end(): void {
    const next = this.#urgent.shift() ?? this.#others.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }
}
