import { assert, type DueKey, type Entry, type Mutation, type Position } from '@holdfast/types';

interface Said {
  readonly expiresAt: number;
  readonly logTime: number;
  /** In the time of the world. */
  readonly madeAt: number;
}

/**
 * Nothing expires early, by the log and by the time of the world; what was written again since does not expire at all
 * (G19). Shown a log from its beginning, change by change.
 */
export class ExpiryLaw {
  readonly #madeAt: (position: Position) => number;
  /** Of each key that expires, what its newest change says. */
  readonly #said = new Map<string, Said>();
  /** Keys deleted because their time had come. */
  count = 0;

  constructor(madeAt: (position: Position) => number) {
    this.#madeAt = madeAt;
  }

  changed(mutation: Mutation, entry: Entry): void {
    const key = Buffer.from(mutation.key).toString('latin1');
    this.#said.delete(key);
    if (mutation.kind === 'del' || mutation.expiresAt === undefined) return;
    const { expiresAt } = mutation;
    this.#said.set(key, { expiresAt, logTime: entry.logTime, madeAt: this.#madeAt(entry) });
  }

  check(entry: Entry, due: readonly DueKey[]): void {
    for (const { key, expiresAt, isDeleted } of due) {
      const name = Buffer.from(key).toString('latin1');
      const where = `${name} in ${entry.index}@${entry.term}`;
      const said = this.#said.get(name);
      assert(expiresAt <= entry.logTime, `${where} is due at ${expiresAt}, and it is ${entry.logTime}`);
      assert(
        isDeleted === (said?.expiresAt === expiresAt),
        `${where} is ${isDeleted ? 'deleted' : 'left'} for ${expiresAt}; it has ${said?.expiresAt}`,
      );
      if (!isDeleted) continue;
      this.count++;
      const lived = this.#madeAt(entry) - said!.madeAt;
      const due = expiresAt - said!.logTime - 1;
      assert(lived >= due, `${where} lived for ${lived} ms of ${due}`);
    }
  }
}
