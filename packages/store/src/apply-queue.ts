interface Job<Batch> {
  readonly batch: Batch;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Performs batches one after the other, in the order they came. When one fails all stop: a later batch
 * must never be in the store while an earlier one is not.
 */
export class ApplyQueue<Batch> {
  readonly #perform: (batch: Batch) => Promise<void>;
  /** Called for a failed batch: it and all that wait are rejected with the answer, or, without one, kept for `resume`. */
  readonly #onFailure: (error: unknown) => Error | undefined;
  readonly #jobs: Job<Batch>[] = [];
  #running: Promise<void> | undefined;
  #held = false;

  constructor(perform: (batch: Batch) => Promise<void>, onFailure: (error: unknown) => Error | undefined) {
    this.#perform = perform;
    this.#onFailure = onFailure;
  }

  push(batch: Batch): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#jobs.push({ batch, resolve, reject });
    });
    this.#start();
    return done;
  }

  /** Starts no further batch; resolves when none is under way. */
  async hold(): Promise<void> {
    this.#held = true;
    await this.#running;
  }

  /** Goes on with the oldest batch that is not done: the one that failed, if one did. */
  resume(): void {
    this.#held = false;
    this.#start();
  }

  /** Gives up everything that waits. */
  rejectAll(error: unknown): void {
    for (const job of this.#jobs.splice(0)) job.reject(error);
  }

  #start(): void {
    if (this.#held || this.#running !== undefined || this.#jobs.length === 0) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#start();
    });
  }

  async #run(): Promise<void> {
    while (!this.#held) {
      const job = this.#jobs[0];
      if (job === undefined) return;
      try {
        await this.#perform(job.batch);
      } catch (error) {
        this.#held = true;
        const final = this.#onFailure(error);
        if (final !== undefined) this.rejectAll(final);
        return;
      }
      this.#jobs.shift();
      job.resolve();
    }
  }
}
