/** Rounds without anything new before the turn counts as over, and most rounds altogether. */
const QUIET_ROUNDS = 3;
const ROUNDS_MAX = 64;

/**
 * Calls back once at the end of the present turn of the event loop, so that all that is issued in it travels
 * together. A caller that awaits something settled issues its next call a few microtasks later: the end is
 * therefore put off while calls keep coming.
 */
export class TurnEnd {
  readonly #callback: () => void;
  readonly #onRound: () => void;
  #scheduled = false;
  #news = false;
  #quietRounds = 0;
  #rounds = 0;

  constructor(callback: () => void) {
    this.#callback = callback;
    this.#onRound = () => this.#round();
  }

  /** Something is to be done at the end of the turn. */
  request(): void {
    this.#news = true;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#rounds = 0;
    this.#quietRounds = 0;
    queueMicrotask(this.#onRound);
  }

  #round(): void {
    this.#rounds += 1;
    this.#quietRounds = this.#news ? 0 : this.#quietRounds + 1;
    this.#news = false;
    if (this.#quietRounds < QUIET_ROUNDS && this.#rounds < ROUNDS_MAX) {
      queueMicrotask(this.#onRound);
      return;
    }
    this.#scheduled = false;
    this.#callback();
  }
}
