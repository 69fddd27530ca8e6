import { HoldfastError } from '@holdfast/types';
import type { DivergedMutation, DivergedWrite } from './diverged-entries.ts';
import {
  entryMarkKey,
  furtherMarksOf,
  isMarkKey,
  marksOf,
  markValue,
  type Progress,
  partsOf,
  progressOf,
  type WritePart,
} from './marks.ts';
import { isFrom } from './own-revisions.ts';

const TRIES_MAX = 5;
/** Under way at once. */
const WRITES_MAX = 64;
/** Keys and calls of them together. */
const NAMES_MAX = 1000;

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
  /** It is there again, as a whole; `keys` of it by this run. */
  | { readonly kind: 'reapplied'; readonly keys: number; readonly revision: number }
  /** Somebody applied it again before, as a whole: this one, or another attempt of its call. */
  | { readonly kind: 'repeated' }
  /** The call has its result in the log that won; nothing was done. */
  | { readonly kind: 'survived' }
  /** The key was written since, at `revision`; nothing was done. */
  | { readonly kind: 'conflict'; readonly key: Buffer; readonly revision: number }
  /** A part of it is there again; of its `open` other keys one was written since. Done again it goes on with those. */
  | { readonly kind: 'partial'; readonly open: number; readonly key: Buffer; readonly revision: number }
  /** A part of another attempt of its call is there again, which alone may go on: that of entry `by`. Nothing was done. */
  | { readonly kind: 'begun'; readonly by: string }
  /** Nobody knows whether it survived, in its own entry or by a repeat that its client sent or may send; nothing was done. */
  | { readonly kind: 'undecided' }
  /** `keys` of it are there again by this run, and more may be if the outcome of `error` is unknown. */
  | { readonly kind: 'failed'; readonly keys: number; readonly error: unknown };

export interface ReapplyOptions {
  /** Writes over what was written since, and where nobody knows whether it survived. */
  readonly force: boolean;
  /** Whether the log that won has results of these calls, as of all that the database has answered before. */
  survived(writes: readonly DivergedWrite[]): Promise<readonly boolean[]>;
  /** Listed writes that changed `key` before `write` did: what their re-application wrote is no change since. */
  olderOf(write: DivergedWrite, key: Buffer): Promise<readonly DivergedWrite[]>;
}

/** A write as it was found. */
interface LookedAt {
  readonly write: DivergedWrite;
  readonly progress: Progress;
  /** Parts that are not applied again yet, with the revisions that their keys have. */
  readonly open: readonly (WritePart & { readonly place: number; readonly revisions: readonly number[] })[];
  /** Revision of the mark of the first part; 0: there is none. */
  readonly firstMark: number;
}

interface Change {
  readonly key: Buffer;
  readonly revision: number;
}

/** What this run has written. */
interface Written {
  readonly keys: number;
  readonly revision: number;
}

/**
 * Applies diverged writes again, in their order, each as one write at quorum, once whoever asks. One of very many keys takes
 * several, each of them once; conflicts are looked for in all of them before the first.
 */
export class Reapplication {
  readonly #database: ReapplyDatabase;
  readonly #options: ReapplyOptions;
  /** By key and revision: so many of its older writes, the oldest of them, it is not from. */
  readonly #ruledOut = new Map<string, number>();
  readonly #written = new Map<DivergedWrite, Written>();

  constructor(database: ReapplyDatabase, options: ReapplyOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** Never rejects. Ends behind a result that `endsRun`: there are fewer then than there are writes. */
  async apply(writes: readonly DivergedWrite[]): Promise<ReapplyResult[]> {
    const results: ReapplyResult[] = [];
    for (const group of groupsOf(writes)) {
      results.push(...(await this.#applyGroup(group)));
      if (results.some(endsRun)) break;
    }
    return results;
  }

  /** None of them has a key of another. */
  async #applyGroup(group: readonly DivergedWrite[]): Promise<ReapplyResult[]> {
    const results = new Map<DivergedWrite, ReapplyResult>();
    const attempt = async <Found>(
      writes: readonly DivergedWrite[],
      work: () => Promise<Found>,
    ): Promise<Found | undefined> => {
      try {
        return await work();
      } catch (error) {
        for (const write of writes)
          results.set(write, { kind: 'failed', keys: this.#written.get(write)?.keys ?? 0, error });
        return undefined;
      }
    };
    for (let tries = 1; results.size < group.length; tries += 1) {
      const left = group.filter((write) => !results.has(write));
      const looks = await Promise.all(left.map((write) => attempt([write], () => this.#look(write))));
      const looked = looks.filter((found) => found !== undefined);
      // Asked for after the keys were read: whatever is carried out later changes a key, or finds the result.
      const open = looked.filter(({ progress }) => !progress.isWhole).map(({ write }) => write);
      const answers =
        open.length === 0 ? [] : ((await attempt(open, () => this.#options.survived(open))) ?? []);
      const survived = new Set(open.filter((_, at) => answers[at]));
      await Promise.all(
        looked.map(async (found) => {
          const { write } = found;
          if (results.has(write)) return;
          const isLastTry = tries >= TRIES_MAX;
          const result = await attempt([write], () => this.#settle(found, survived.has(write), isLastTry));
          if (result !== undefined) results.set(write, result);
        }),
      );
    }
    return group.map((write) => results.get(write) as ReapplyResult);
  }

  async #look(write: DivergedWrite): Promise<LookedAt> {
    const parts = partsOf(write);
    const all = await this.#marksOf(write);
    const marks = all.slice(1);
    const progress = progressIn(write, all);
    const open = await Promise.all(
      parts
        .map((part, place) => ({ ...part, place }))
        .filter(({ place }) => marks[place] === undefined)
        .map(async (part) => ({
          ...part,
          revisions: await Promise.all(
            part.mutations.map(async ({ key }) => (await this.#read(key))?.revision ?? 0),
          ),
        })),
    );
    // A re-application that was lost itself: what it was to bring back is there, by its repeat.
    const isDone = open.some(({ mutations, revisions }) =>
      mutations.some(({ key }, at) => isMarkKey(key) && revisions[at] !== 0),
    );
    return {
      write,
      progress: isDone ? { ...progress, isWhole: true } : progress,
      open,
      firstMark: marks[0]?.revision ?? 0,
    };
  }

  async #marksOf(write: DivergedWrite): Promise<Awaited<ReturnType<ReapplyDatabase['read']>>[]> {
    const marks = await Promise.all(marksOf(write).map((key) => this.#read(key)));
    const further = furtherMarksOf(
      write,
      marks.map((mark) => mark?.value),
    );
    return further.length === 0
      ? marks
      : [...marks, ...(await Promise.all(further.map((key) => this.#read(key))))];
  }

  /** Undefined: something changed between the look and the write, so that it takes another look. */
  async #settle(
    found: LookedAt,
    hasSurvived: boolean,
    isLastTry: boolean,
  ): Promise<ReapplyResult | undefined> {
    const { write, progress } = found;
    if (progress.isWhole) return this.#whole(write);
    if (hasSurvived) return { kind: 'survived' };
    const { begunBy } = progress;
    if (begunBy !== undefined && begunBy !== write.id) return { kind: 'begun', by: begunBy };
    if (!this.#options.force) {
      const conflict = await this.#conflictOf(found);
      if (conflict !== undefined) {
        // It may be from this very write, which somebody else is just applying again.
        const marks = await this.#marksOf(write);
        return openOf(write, marks) < found.open.length ? undefined : changed(found, conflict);
      }
      // Above `local` nobody was told that it was done: its client may have sent it again, and have its answer, or send it yet.
      // What was begun is brought to its end: a part of a write is what nobody has asked for.
      if (begunBy === undefined && (write.undecided || write.ack !== 'local')) return { kind: 'undecided' };
    }
    try {
      await this.#apply(found);
      return this.#whole(write);
    } catch (error) {
      const isConflict = error instanceof HoldfastError && error.code === 'HOLDFAST_CONFLICT';
      if (!isConflict) throw error;
      // One that is written all the time keeps back nothing but itself.
      return isLastTry ? await this.#changeSince(found) : undefined;
    }
  }

  #whole(write: DivergedWrite): ReapplyResult {
    const written = this.#written.get(write);
    return written === undefined ? { kind: 'repeated' } : { kind: 'reapplied', ...written };
  }

  /** What came between the look and the write; its first key if that cannot be seen any more. */
  async #changeSince({ write, open }: LookedAt): Promise<ReapplyResult> {
    const now = await this.#look(write);
    const { isWhole, begunBy } = now.progress;
    if (isWhole) return this.#whole(write);
    if (begunBy !== undefined && begunBy !== write.id) return { kind: 'begun', by: begunBy };
    const keys = now.open.flatMap(({ place, mutations, revisions }) => {
      const before = open.find((part) => part.place === place)?.revisions;
      return mutations.map(({ key }, at) => {
        const revision = revisions[at] as number;
        return { key, revision, hasChanged: revision !== before?.[at] };
      });
    });
    return changed(now, (keys.find(({ hasChanged }) => hasChanged) ?? keys[0])!);
  }

  /** The first key that was written since. */
  async #conflictOf({ write, open }: LookedAt): Promise<Change | undefined> {
    for (const { mutations, revisions } of open) {
      for (const [at, { key, revision: lost }] of mutations.entries()) {
        const revision = revisions[at] as number;
        if (revision <= lost) continue;
        if (!(await this.#isOwn(write, key, revision))) return { key, revision };
      }
    }
    return undefined;
  }

  /** Whether `key` has that revision from an older lost write that came back. What left no mark so far is not where it is from. */
  async #isOwn(write: DivergedWrite, key: Buffer, revision: number): Promise<boolean> {
    const name = `${revision} ${key.toString('latin1')}`;
    const older = await this.#options.olderOf(write, key);
    const left = older.slice(this.#ruledOut.get(name) ?? 0);
    if (await isFrom(left, key, revision, this.#database)) return true;
    this.#ruledOut.set(name, older.length);
    return false;
  }

  async #apply({ write, open, firstMark }: LookedAt): Promise<void> {
    const parts = partsOf(write);
    const first = { key: parts[0]!.mark, revision: firstMark };
    for (const { mark, mutations, revisions, place } of open) {
      const count = mutations.length;
      const value = markValue({ id: write.id, count, parts: parts.length });
      const seen = mutations.map(({ key }, at) => ({ key, revision: revisions[at] as number }));
      const conditions = [
        { key: entryMarkKey(write.id), revision: 0 },
        { key: mark, revision: 0 },
        // Of two attempts of a call the one that came first goes on.
        ...(place === 0 ? [] : [first]),
        ...seen,
      ];
      // The mark last: its revision and its value tell the revisions of all others.
      const operations = [...mutations.map(operationOf), { type: 'put', key: mark, value } as const];
      const { revision } = await this.#database.write(operations, { ack: 'quorum', conditions });
      if (place === 0) first.revision = revision;
      this.#written.set(write, { keys: (this.#written.get(write)?.keys ?? 0) + count, revision });
    }
  }

  #read(key: Buffer): ReturnType<ReapplyDatabase['read']> {
    return this.#database.read(key, { consistency: 'linearizable' });
  }
}

/** What ails the cluster, and not this write, would meet each of the others as well, after all the time that it has. */
export function endsRun(result: ReapplyResult): boolean {
  if (result.kind !== 'failed') return false;
  const { error } = result;
  return !(error instanceof HoldfastError && error.outcome === 'not-applied' && !error.retryable);
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

function progressIn(
  write: DivergedWrite,
  marks: readonly ({ readonly value: Buffer } | undefined)[],
): Progress {
  return progressOf(
    write,
    marks.map((mark) => mark?.value),
  );
}

/** Parts of it without a mark. */
function openOf(write: DivergedWrite, [whole, ...parts]: readonly unknown[]): number {
  return whole === undefined ? partsOf(write).filter((_, at) => parts[at] === undefined).length : 0;
}

function changed({ progress, open }: LookedAt, { key, revision }: Change): ReapplyResult {
  if (progress.begunBy === undefined) return { kind: 'conflict', key, revision };
  return {
    kind: 'partial',
    open: open.reduce((sum, { mutations }) => sum + mutations.length, 0),
    key,
    revision,
  };
}

/** Neighbours that have no key in common, and no call, go together: as many as are well asked for at once. */
function groupsOf(writes: readonly DivergedWrite[]): DivergedWrite[][] {
  const groups: DivergedWrite[][] = [];
  let names = new Set<string>();
  for (const write of writes) {
    const own = [
      `call ${write.session}/${write.sequence}`,
      ...write.mutations.map(({ key }) => `key ${key.toString('latin1')}`),
    ];
    const group = groups.at(-1);
    const isFull = group?.length === WRITES_MAX || names.size + own.length > NAMES_MAX;
    if (group === undefined || isFull || own.some((name) => names.has(name))) {
      groups.push([write]);
      names = new Set(own);
    } else {
      group.push(write);
      for (const name of own) names.add(name);
    }
  }
  return groups;
}
