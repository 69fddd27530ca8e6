/**
 * Gathers what one turn of the event loop has to send, so that a burst of messages costs one frame per link and
 * not one each. Flushes run as microtasks: after the code that asked for them, before any other event.
 */
export class TurnEnd {
  #waiting: (() => void)[] = [];

  /** `flush` runs once at the end of this turn. The caller keeps itself from asking twice. */
  add(flush: () => void): void {
    this.#waiting.push(flush);
    if (this.#waiting.length === 1) queueMicrotask(() => this.#run());
  }

  #run(): void {
    const flushes = this.#waiting;
    this.#waiting = [];
    for (const flush of flushes) flush();
  }
}
