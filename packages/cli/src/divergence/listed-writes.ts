import type { Database } from '../open-database.ts';
import {
  compareEntries,
  type DivergedEntry,
  type DivergedWrite,
  fetchDiverged,
  type ListedEntry,
} from './diverged-entries.ts';
import { isApplied, marksOf } from './marks.ts';

const FETCHES_MAX = 16;
/** Whose marks are asked for at once. */
const WRITES_MAX = 256;

/** The writes of all listed entries, fetched when they are first asked for. */
export class ListedWrites {
  readonly #listed: readonly ListedEntry[];
  readonly #timeoutMs: number;
  readonly #entries = new Map<string, Promise<DivergedEntry>>();
  #byKey: Promise<Map<string, DivergedWrite[]>> | undefined;

  constructor(listed: readonly ListedEntry[], timeoutMs: number) {
    this.#listed = listed;
    this.#timeoutMs = timeoutMs;
  }

  /** Of one of them. Rejects if no node that lists it answers. */
  entry(listed: ListedEntry): Promise<DivergedEntry> {
    const { id } = listed.summary;
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const fetched = fetchDiverged(listed, this.#timeoutMs);
    this.#entries.set(id, fetched);
    return fetched;
  }

  async entries(chosen: readonly ListedEntry[]): Promise<DivergedEntry[]> {
    const entries: DivergedEntry[] = [];
    for (let at = 0; at < chosen.length; at += FETCHES_MAX)
      entries.push(
        ...(await Promise.all(chosen.slice(at, at + FETCHES_MAX).map((listed) => this.entry(listed)))),
      );
    return entries;
  }

  /** Those that changed `key` before `write` did. */
  async olderOf(write: DivergedWrite, key: Buffer): Promise<DivergedWrite[]> {
    this.#byKey ??= this.#index();
    const ofKey = (await this.#byKey).get(key.toString('latin1')) ?? [];
    return ofKey.slice(
      0,
      ofKey.findIndex(({ id, place }) => id === write.id && place === write.place),
    );
  }

  /** By key, oldest first. */
  async #index(): Promise<Map<string, DivergedWrite[]>> {
    const byKey = new Map<string, DivergedWrite[]>();
    const entries = (await this.entries(this.#listed)).sort(compareEntries);
    for (const write of entries.flatMap(({ writes }) => writes)) {
      for (const name of new Set(write.mutations.map(({ key }) => key.toString('latin1')))) {
        const ofKey = byKey.get(name);
        if (ofKey === undefined) byKey.set(name, [write]);
        else ofKey.push(write);
      }
    }
    return byKey;
  }
}

/** Those of `writes` that were applied again. */
export async function appliedAmong(
  writes: readonly DivergedWrite[],
  database: Pick<Database, 'getMany'>,
): Promise<Set<DivergedWrite>> {
  const applied = new Set<DivergedWrite>();
  for (let at = 0; at < writes.length; at += WRITES_MAX) {
    const asked = writes.slice(at, at + WRITES_MAX).map((write) => ({ write, marks: marksOf(write) }));
    const values = await database.getMany(asked.flatMap(({ marks }) => marks));
    for (const { write, marks } of asked)
      if (isApplied(write, values.splice(0, marks.length))) applied.add(write);
  }
  return applied;
}
