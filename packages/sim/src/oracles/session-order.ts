import { SafetyViolation } from './safety-violation.ts';

/** What a session read may not fall behind. */
export interface SessionView {
  readonly epoch: number;
  /** Newest revision seen of each key. */
  readonly floors: ReadonlyMap<string, number>;
}

/**
 * Holds the reads of one client at `session` against what it had read and written before (G10). A client that is
 * told that it diverged begins anew.
 */
export class SessionOrder {
  readonly #client: string;
  #epoch = 0;
  readonly #seen = new Map<string, number>();

  constructor(client: string) {
    this.#client = client;
  }

  /** A write of this client was acknowledged, or a read answered. */
  saw(key: string, revision: number): void {
    this.#seen.set(key, Math.max(this.#seen.get(key) ?? 0, revision));
  }

  diverged(): void {
    this.#epoch += 1;
    this.#seen.clear();
  }

  /** Before a read is asked. `handed`: floors of another client, whose token it is asked with. */
  begin(handed?: ReadonlyMap<string, number>): SessionView {
    const floors = new Map(this.#seen);
    for (const [key, revision] of handed ?? []) floors.set(key, Math.max(floors.get(key) ?? 0, revision));
    return { epoch: this.#epoch, floors };
  }

  /** `revision` undefined: there was no such key, which says nothing of a key that is deleted now and then. */
  end(view: SessionView, key: string, revision: number | undefined, isDeleted: boolean): void {
    if (view.epoch !== this.#epoch) return;
    const floor = view.floors.get(key) ?? 0;
    if (revision === undefined ? isDeleted || floor === 0 : revision >= floor) return;
    throw new SafetyViolation(
      'session order',
      `${this.#client} reads ${key} at revision ${revision}, and had seen ${floor}`,
    );
  }
}
