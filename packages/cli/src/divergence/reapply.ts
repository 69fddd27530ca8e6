import { HoldfastError } from '@holdfast/types';
import { RESERVED_PREFIX } from '../reserved-keys.ts';
import type { DivergedEntry, DivergedMutation } from './diverged-entries.ts';

/** Every key takes a condition; a node accepts 256, and the mark takes one. */
const KEYS_PER_WRITE_MAX = 200;
const BYTES_PER_WRITE_MAX = 4_194_304;
const TRIES_MAX = 5;

/** The parts of the client that are used; a `Holdfast<Buffer, Buffer>`. */
export interface ReapplyDatabase {
  read(
    key: Buffer,
    options: { consistency: 'linearizable' },
  ): Promise<{ value: Buffer; revision: number } | undefined>;
  write(
    operations: (
      | { type: 'put'; key: Buffer; value: Buffer; ttlMs?: number }
      | { type: 'del'; key: Buffer }
    )[],
    options: { ack: 'quorum'; conditions: readonly { key: Buffer; revision: number }[] },
  ): Promise<{ revision: number }>;
}

export type ReapplyResult =
  | { readonly kind: 'reapplied'; readonly keys: number; readonly revision: number }
  /** Somebody did it before. */
  | { readonly kind: 'repeated' }
  /** The key was written since, at `revision`; nothing was done. */
  | { readonly kind: 'conflict'; readonly key: Buffer; readonly revision: number };

export interface ReapplyOptions {
  /** Writes over what was written since. */
  readonly force: boolean;
  /** Listed entries that are older: what their re-application wrote is no change since. */
  readonly older: readonly { readonly id: string }[];
}

/** Where it is noted that an entry was applied again. In the same write as its data, so that it happens once. */
export function markKey(id: string, part = 0): Buffer {
  return Buffer.concat([RESERVED_PREFIX, Buffer.from(`reapplied/${id}/${part}`, 'utf8')]);
}

/**
 * Writes a diverged entry again, at quorum, once per id whoever asks. An entry of very many keys takes several
 * writes, each of them once; conflicts are looked for in all of them before the first.
 */
export async function reapply(
  database: ReapplyDatabase,
  entry: DivergedEntry,
  options: ReapplyOptions,
): Promise<ReapplyResult> {
  if (entry.undecided && !options.force) {
    throw new HoldfastError(
      'HOLDFAST_CONFLICT',
      `nobody knows any more whether ${entry.id} survived: it is applied again only with --force`,
    );
  }
  const own = new OwnRevisions(database, options.older);
  const parts = partsOf(entry.mutations);
  for (let tries = 1; ; tries += 1) {
    const open: OpenPart[] = [];
    for (const [at, mutations] of parts.entries()) {
      const mark = markKey(entry.id, at);
      if (await readRevision(database, mark)) continue;
      const checked = options.force ? [] : await check(database, mutations, own);
      if (!Array.isArray(checked)) return checked;
      open.push({ mark, mutations, conditions: [{ key: mark, revision: 0 }, ...checked] });
    }
    if (open.length === 0) return { kind: 'repeated' };
    try {
      return await writeParts(database, open);
    } catch (error) {
      // A key or a mark changed between the look and the write: look again.
      const isConflict = error instanceof HoldfastError && error.code === 'HOLDFAST_CONFLICT';
      if (!isConflict || tries === TRIES_MAX) throw error;
    }
  }
}

interface OpenPart {
  readonly mark: Buffer;
  readonly mutations: readonly DivergedMutation[];
  readonly conditions: readonly { key: Buffer; revision: number }[];
}

async function writeParts(database: ReapplyDatabase, parts: readonly OpenPart[]): Promise<ReapplyResult> {
  let keys = 0;
  let revision = 0;
  for (const { mark, mutations, conditions } of parts) {
    const operations = mutations.map(operationOf);
    // The mark last: its revision and its value tell the revisions of all others.
    const markOperation = { type: 'put', key: mark, value: Buffer.from(String(mutations.length)) } as const;
    const summary = await database.write([...operations, markOperation], { ack: 'quorum', conditions });
    keys += mutations.length;
    revision = summary.revision;
  }
  return { kind: 'reapplied', keys, revision };
}

/** A time to live begins anew: how much of it had passed nobody knows. */
function operationOf({
  key,
  value,
  ttlMs,
}: DivergedMutation): Parameters<ReapplyDatabase['write']>[0][number] {
  if (value === undefined) return { type: 'del', key };
  return ttlMs === undefined ? { type: 'put', key, value } : { type: 'put', key, value, ttlMs };
}

/** The revisions to insist on, or the first key that was written since. */
async function check(
  database: ReapplyDatabase,
  mutations: readonly DivergedMutation[],
  own: OwnRevisions,
): Promise<{ key: Buffer; revision: number }[] | Extract<ReapplyResult, { kind: 'conflict' }>> {
  const revisions = await Promise.all(mutations.map(({ key }) => readRevision(database, key)));
  const conditions: { key: Buffer; revision: number }[] = [];
  for (const [at, { key, revision: lost }] of mutations.entries()) {
    const revision = revisions[at] as number;
    if (revision > lost && !(await own.has(revision))) return { kind: 'conflict', key, revision };
    conditions.push({ key, revision });
  }
  return conditions;
}

/** 0: there is no such key. */
async function readRevision(database: ReapplyDatabase, key: Buffer): Promise<number> {
  return (await database.read(key, { consistency: 'linearizable' }))?.revision ?? 0;
}

/** The last mutation of each key, in order of keys, so that the parts are the same whoever makes them. */
function partsOf(mutations: readonly DivergedMutation[]): DivergedMutation[][] {
  const last = new Map(mutations.map((mutation) => [mutation.key.toString('latin1'), mutation]));
  const sorted = [...last.values()].sort((left, right) => Buffer.compare(left.key, right.key));
  const parts: DivergedMutation[][] = [];
  let bytes = 0;
  for (const mutation of sorted) {
    const size = mutation.key.length + (mutation.value?.length ?? 0);
    const part = parts.at(-1);
    if (part === undefined || part.length === KEYS_PER_WRITE_MAX || bytes + size > BYTES_PER_WRITE_MAX) {
      parts.push([mutation]);
      bytes = size;
    } else {
      part.push(mutation);
      bytes += size;
    }
  }
  return parts;
}

/** What re-applications of older entries wrote, from the marks they left; read when it is first asked for. */
class OwnRevisions {
  readonly #database: ReapplyDatabase;
  readonly #older: readonly { readonly id: string }[];
  #spans: { first: number; last: number }[] | undefined;

  constructor(database: ReapplyDatabase, older: readonly { readonly id: string }[]) {
    this.#database = database;
    this.#older = older;
  }

  async has(revision: number): Promise<boolean> {
    this.#spans ??= (await Promise.all(this.#older.map(({ id }) => this.#spansOf(id)))).flat();
    return this.#spans.some(({ first, last }) => first <= revision && revision <= last);
  }

  async #spansOf(id: string): Promise<{ first: number; last: number }[]> {
    const spans: { first: number; last: number }[] = [];
    for (let part = 0; ; part += 1) {
      const mark = await this.#database.read(markKey(id, part), { consistency: 'linearizable' });
      if (mark === undefined) return spans;
      spans.push({ first: mark.revision - Number(mark.value.toString()), last: mark.revision });
    }
  }
}
