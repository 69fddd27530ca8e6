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

export function markValue({ id, count }: Mark): Buffer {
  return Buffer.from(`${id} ${count}`, 'utf8');
}

export function readMark(value: Buffer): Mark {
  const [id, count] = value.toString('utf8').split(' ') as [string, string];
  return { id, count: Number(count) };
}

/** What tells whether a write was applied again: the mark of its entry, then those of its parts. */
export function marksOf(write: DivergedWrite): Buffer[] {
  return [entryMarkKey(write.id), ...partsOf(write).map(({ mark }) => mark)];
}

/** `marks`: the values of `marksOf`. Another attempt of the call may have been, as well. */
export function isApplied(
  write: Pick<DivergedWrite, 'id'>,
  [whole, ...parts]: readonly (Buffer | undefined)[],
): boolean {
  if (whole !== undefined || parts.every((mark) => mark !== undefined)) return true;
  const [first] = parts;
  return first !== undefined && readMark(first).id !== write.id;
}

/** The last mutation of each key, in order of keys, so that the parts are the same whoever makes them. */
export function partsOf(write: Pick<DivergedWrite, 'session' | 'sequence' | 'mutations'>): WritePart[] {
  const last = new Map(write.mutations.map((mutation) => [mutation.key.toString('latin1'), mutation]));
  const sorted = [...last.values()].sort((left, right) => Buffer.compare(left.key, right.key));
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
