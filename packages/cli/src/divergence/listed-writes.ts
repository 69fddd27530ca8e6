import type { Database } from '../open-database.ts';
import {
  compareEntries,
  type DivergedEntry,
  type DivergedWrite,
  fetchDiverged,
  type ListedEntry,
} from './diverged-entries.ts';
import { furtherMarksOf, marksOf, type Progress, progressOf } from './marks.ts';

const FETCHES_MAX = 16;
/** Asked for at once. */
const MARKS_MAX = 1000;

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

  /** Of one of them. Rejects if no node lists it any more, or none of those answers. */
  entry(listed: ListedEntry): Promise<DivergedEntry> {
    const { id } = listed.summary;
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const fetched = fetchDiverged(listed, this.#timeoutMs);
    this.#entries.set(id, fetched);
    fetched.catch(() => this.#entries.delete(id));
    return fetched;
  }

  /** Of all, in their order; undefined where `entry` rejects. */
  async entries(): Promise<(DivergedEntry | undefined)[]> {
    const entries: (DivergedEntry | undefined)[] = [];
    for (let at = 0; at < this.#listed.length; at += FETCHES_MAX) {
      const asked = this.#listed.slice(at, at + FETCHES_MAX);
      entries.push(...(await Promise.all(asked.map((listed) => this.entry(listed).catch(() => undefined)))));
    }
    return entries;
  }

  /** Those that changed `key` before `write` did. */
  async olderOf(write: DivergedWrite, key: Buffer): Promise<DivergedWrite[]> {
    this.#byKey ??= this.#index();
    const ofKey = (await this.#byKey).get(key.toString('latin1')) ?? [];
    const at = ofKey.findIndex(({ id, place }) => id === write.id && place === write.place);
    return ofKey.slice(0, Math.max(0, at));
  }

  /** By key, oldest first. What of an entry that cannot be had came back looks as if somebody had written it since. */
  async #index(): Promise<Map<string, DivergedWrite[]>> {
    const byKey = new Map<string, DivergedWrite[]>();
    const found = await this.entries();
    const entries = found.filter((entry) => entry !== undefined).sort(compareEntries);
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

/** Those of `writes` that were applied again, as a whole. */
export async function appliedAmong(
  writes: readonly DivergedWrite[],
  database: Pick<Database, 'getMany'>,
): Promise<Set<DivergedWrite>> {
  const progress = await progressAmong(writes, database);
  return new Set(writes.filter((write) => progress.get(write)?.isWhole));
}

/** How much of each of `writes` was applied again. */
export async function progressAmong(
  writes: readonly DivergedWrite[],
  database: Pick<Database, 'getMany'>,
): Promise<Map<DivergedWrite, Progress>> {
  const found = new Map<DivergedWrite, Progress>();
  let asked: { readonly write: DivergedWrite; readonly marks: readonly Buffer[] }[] = [];
  const ask = async (): Promise<void> => {
    const values = await database.getMany(asked.flatMap(({ marks }) => marks));
    for (const { write, marks } of asked) {
      const own = values.splice(0, marks.length);
      const further = furtherMarksOf(write, own);
      if (further.length > 0) own.push(...(await database.getMany(further)));
      found.set(write, progressOf(write, own));
    }
    asked = [];
  };
  let count = 0;
  for (const write of writes) {
    const marks = marksOf(write);
    if (count + marks.length > MARKS_MAX) {
      await ask();
      count = 0;
    }
    asked.push({ write, marks });
    count += marks.length;
  }
  await ask();
  return found;
}
