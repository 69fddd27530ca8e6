import { SafetyViolation } from './safety-violation.ts';

/** What is read twice from one snapshot is the same (G12). */
export class SteadySnapshot {
  readonly #client: string;
  readonly #found = new Map<string, string | undefined>();

  constructor(client: string) {
    this.#client = client;
  }

  /** All that was read so far; undefined: absent. */
  get found(): ReadonlyMap<string, string | undefined> {
    return this.#found;
  }

  saw(key: string, value: string | undefined): void {
    const before = this.#found.get(key);
    if (this.#found.has(key) && before !== value)
      throw new SafetyViolation(
        'steady snapshots',
        `${this.#client} finds ${key}=${value ?? 'absent'} in a snapshot, which was ${before ?? 'absent'} before`,
      );
    this.#found.set(key, value);
  }
}
