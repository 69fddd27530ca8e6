import type { LoggedValues } from './logged-values.ts';
import { SafetyViolation } from './safety-violation.ts';

/** What a session read may not fall behind. */
export interface SessionView {
  readonly epoch: number;
  /** Newest revision seen of each key. */
  readonly floors: ReadonlyMap<string, number>;
}

/** What a read of several keys has found; undefined: absent. */
type Found = ReadonlyMap<string, string | undefined>;

/**
 * Holds the reads of one client at `session` against what it had read and written before (G10), at whatever consistency.
 * A client that is told that it diverged goes on from what survived.
 */
export class SessionOrder {
  readonly #client: string;
  readonly #logged: Pick<LoggedValues, 'revisionsOf' | 'newestDelete'>;
  #epoch = 0;
  readonly #seen = new Map<string, number>();
  readonly #told = new Map<string, number>();

  /** `logged`: by anybody, up to what any read has shown by now. */
  constructor(client: string, logged: Pick<LoggedValues, 'revisionsOf' | 'newestDelete'>) {
    this.#client = client;
    this.#logged = logged;
  }

  /** The newest revision of the key that the client was told; 0: none. */
  toldOf(key: string): number {
    return this.#told.get(key) ?? 0;
  }

  /** A write of this client was acknowledged, or a read answered, and told the revision. */
  saw(key: string, revision: number): void {
    raise(this.#seen, key, revision);
    raise(this.#told, key, revision);
  }

  /** A read was answered that tells values alone: each may be of the oldest revision that it was logged at. */
  sawAll(found: Found): void {
    for (const [key, value] of found) {
      const revisions = value === undefined ? undefined : this.#logged.revisionsOf(key, value);
      if (revisions !== undefined) raise(this.#seen, key, revisions.oldest);
    }
  }

  /** Lost is what the client had seen above `surviving` and up to `lost`; all else it may still not fall behind. */
  diverged({ surviving, lost = Number.POSITIVE_INFINITY }: { surviving: number; lost?: number }): void {
    this.#epoch += 1;
    for (const [key, revision] of this.#seen)
      if (revision > surviving && revision <= lost) this.#seen.delete(key);
    this.#told.clear();
  }

  /** Before a read is asked. `handed`: floors of another client, whose token it is asked with. */
  begin(handed?: ReadonlyMap<string, number>): SessionView {
    const floors = new Map(this.#seen);
    for (const [key, revision] of handed ?? []) raise(floors, key, revision);
    return { epoch: this.#epoch, floors };
  }

  /** `revision` undefined: there was no such key, as after a delete that the client need not have seen. */
  end(view: SessionView, key: string, revision: number | undefined): void {
    if (view.epoch !== this.#epoch) return;
    const floor = view.floors.get(key) ?? 0;
    if ((revision ?? this.#logged.newestDelete(key)) >= floor) return;
    throw new SafetyViolation(
      'session order',
      `${this.#client} reads ${key} at revision ${revision}, and had seen ${floor}`,
    );
  }

  /** Of a read that tells values alone. What nobody has logged is for others to judge. */
  endAll(view: SessionView, found: Found): void {
    for (const [key, value] of found) {
      const revisions = value === undefined ? undefined : this.#logged.revisionsOf(key, value);
      if (value === undefined || revisions !== undefined) this.end(view, key, revisions?.newest);
    }
  }
}

function raise(revisions: Map<string, number>, key: string, revision: number): void {
  revisions.set(key, Math.max(revisions.get(key) ?? 0, revision));
}
