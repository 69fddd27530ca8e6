/** So far apart lie the questions of two runs whose seeds are neighbours. */
const QUESTIONS_APART = 2 ** 20;
/** And their moments, milliseconds. */
const MOMENTS_APART_MS = 2 ** 10;
/** Moments are named in such parts of a millisecond: sums of both are exact. */
const MOMENT_PARTS = 2 ** 10;

/**
 * How a run of a node names its questions and moments to peers, who repeat them in their answers. What was meant for
 * another run of it names nothing of this one: each begins somewhere else, by its seed (faults 19, 52).
 */
export class RunNames {
  readonly #epochMs: number;
  #newestQuestion: number;

  constructor(seed: number) {
    this.#epochMs = seed * MOMENTS_APART_MS;
    this.#newestQuestion = seed * QUESTIONS_APART;
  }

  nextQuestion(): number {
    this.#newestQuestion += 1;
    return this.#newestQuestion;
  }

  /** `now`: own monotonic time, ms. What is named is not later. */
  nameOf(now: number): number {
    return this.#epochMs + Math.floor(now * MOMENT_PARTS) / MOMENT_PARTS;
  }

  /** Own monotonic time, ms; undefined for what is no moment of this run up to `now`. */
  momentOf(name: number, now: number): number | undefined {
    const moment = name - this.#epochMs;
    return moment >= 0 && moment <= now ? moment : undefined;
  }
}
