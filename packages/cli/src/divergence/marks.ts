import { RESERVED_PREFIX } from '../reserved-keys.ts';
import type { DivergedMutation, DivergedWrite } from './diverged-entries.ts';

/** Every key takes a condition, and marks take three; a node accepts 256. */
const KEYS_PER_PART_MAX = 200;
/** With what conditions and mark take: less than a node accepts. */
const BYTES_PER_PART_MAX = 7_340_032;

const WRITE_MARK = 'reapplied-write/';

/** What is written at once: nearly always the whole write. */
export interface WritePart {
  readonly mark: Buffer;
  readonly mutations: readonly DivergedMutation[];
}

/** Noted with the data, in the same write, so that it happens once. */
export interface Mark {
  /** The entry that was applied again: of several attempts of a call only one is. */
  readonly id: string;
  /** Mutations written together with it, just before it: their revisions are those below its own. */
  readonly count: number;
  /** Of that attempt; another one may have others. Undefined: marked by a command line that did not tell. */
  readonly parts: number | undefined;
}

/** How much of a call is there again, by any of its attempts. */
export interface Progress {
  readonly isWhole: boolean;
  /** The entry whose attempt was begun, or applied: no other goes on. */
  readonly begunBy: string | undefined;
}

/** Named after the call and not after the entry: a call that was lost twice, in two entries, is applied again once. */
export function markKey(
  { session, sequence }: Pick<DivergedWrite, 'session' | 'sequence'>,
  part = 0,
): Buffer {
  return reserved(`${WRITE_MARK}${session}/${sequence}/${part}`);
}

/** What a re-application writes beside its data. */
export function isMarkKey(key: Uint8Array): boolean {
  const prefix = reserved(WRITE_MARK);
  return prefix.equals(key.subarray(0, prefix.length));
}

/** Of an entry that was applied again as a whole, by a command line of before there were marks of writes. */
export function entryMarkKey(id: string): Buffer {
  return reserved(`reapplied/${id}/0`);
}

export function markValue({ id, count, parts }: Mark): Buffer {
  return Buffer.from(`${id} ${count} ${parts}`, 'utf8');
}

export function readMark(value: Buffer): Mark {
  const [id, count, parts] = value.toString('utf8').split(' ') as [string, string, string | undefined];
  return { id, count: Number(count), parts: parts === undefined ? undefined : Number(parts) };
}

/** What tells how much of a write was applied again: the mark of its entry, then those of its parts. */
export function marksOf(write: DivergedWrite): Buffer[] {
  return [entryMarkKey(write.id), ...partsOf(write).map(({ mark }) => mark)];
}

/** Those to look at as well: another attempt was begun, and has more parts. `marks`: the values of `marksOf`. */
export function furtherMarksOf(write: DivergedWrite, marks: readonly (Buffer | undefined)[]): Buffer[] {
  const [, first] = marks;
  const parts = first === undefined ? 0 : (readMark(first).parts ?? 0);
  const known = marks.length - 1;
  return Array.from({ length: Math.max(0, parts - known) }, (_, at) => markKey(write, known + at));
}

/** `marks`: the values of `marksOf`, then of `furtherMarksOf`. */
export function progressOf(
  write: Pick<DivergedWrite, 'id'>,
  [whole, ...parts]: readonly (Buffer | undefined)[],
): Progress {
  if (whole !== undefined) return { isWhole: true, begunBy: write.id };
  const [first] = parts;
  if (first === undefined) return { isWhole: false, begunBy: undefined };
  const begun = readMark(first);
  return { isWhole: parts.slice(0, begun.parts).every((mark) => mark !== undefined), begunBy: begun.id };
}

/**
 * The last mutation of each key, in order of keys, so that the parts are the same whoever makes them; but the mark of a
 * re-application that was lost itself last, since what it stands for must be there with it.
 */
export function partsOf(write: Pick<DivergedWrite, 'session' | 'sequence' | 'mutations'>): WritePart[] {
  const last = new Map(write.mutations.map((mutation) => [mutation.key.toString('latin1'), mutation]));
  const inOrder = [...last.values()].sort((left, right) => Buffer.compare(left.key, right.key));
  const sorted = [
    ...inOrder.filter(({ key }) => !isMarkKey(key)),
    ...inOrder.filter(({ key }) => isMarkKey(key)),
  ];
  const parts: DivergedMutation[][] = [];
  let bytes = 0;
  for (const mutation of sorted) {
    const size = 2 * mutation.key.length + (mutation.value?.length ?? 0);
    const part = parts.at(-1);
    if (part === undefined || part.length === KEYS_PER_PART_MAX || bytes + size > BYTES_PER_PART_MAX) {
      parts.push([mutation]);
      bytes = size;
    } else {
      part.push(mutation);
      bytes += size;
    }
  }
  return parts.map((mutations, at) => ({ mark: markKey(write, at), mutations }));
}

function reserved(name: string): Buffer {
  return Buffer.concat([RESERVED_PREFIX, Buffer.from(name, 'utf8')]);
}
