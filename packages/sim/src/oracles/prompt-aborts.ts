import { SafetyViolation } from './safety-violation.ts';

/** A call that is aborted ends at once, whatever it waits for: no virtual time passes until its caller is told. */
export class PromptAborts {
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** `name`: of the call. Answers what is to be called when it ends. */
  aborted(name: string): () => void {
    const at = this.#now();
    return () => {
      const lateMs = this.#now() - at;
      if (lateMs > 0)
        throw new SafetyViolation('prompt aborts', `${name} ended ${lateMs} ms after it was aborted`);
    };
  }
}
