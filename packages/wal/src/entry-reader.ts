import { type Entry, HoldfastError, type LogIndex, type TransientMap } from '@holdfast/types';
import type { EntryLocation, LogMap } from './log-map.ts';
import type { SegmentSet } from './segment-set.ts';

/** Entries not far from each other in a segment are read at once, up to so many bytes. */
const SPAN_BYTES_MAX = 1_048_576;

interface Wanted {
  readonly index: LogIndex;
  readonly entry: Entry | undefined;
  readonly location: EntryLocation;
}

/** Reads entries back, from memory while they are not on stable storage. */
export class EntryReader {
  readonly #segments: SegmentSet;
  readonly #codec: { decode(bytes: Uint8Array): Entry };

  constructor(segments: SegmentSet, codec: { decode(bytes: Uint8Array): Entry }) {
    this.#segments = segments;
    this.#codec = codec;
  }

  async read(
    range: { readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number },
    map: LogMap,
    unsynced: Pick<TransientMap<LogIndex, Entry>, 'get'>,
  ): Promise<Entry[]> {
    const wanted = choose(range, map, unsynced);
    const entries: Entry[] = [];
    for (let start = 0; start < wanted.length; ) {
      const span = spanFrom(wanted, start);
      try {
        entries.push(...(await this.#readSpan(span)));
      } catch (error) {
        // The head was dropped under the read, and its files with it: that is no damage.
        if (span[0]!.index >= map.first) throw error;
        break;
      }
      start += span.length;
    }
    return entries;
  }

  /** One entry wherever it is, part of the log or not. */
  async readAt(index: LogIndex, location: EntryLocation): Promise<Entry> {
    const [entry] = await this.#readSpan([{ index, entry: undefined, location }]);
    if (entry === undefined) throw damaged(index, location);
    return entry;
  }

  async #readSpan(span: readonly Wanted[]): Promise<Entry[]> {
    const [first] = span;
    if (first === undefined) return [];
    if (first.entry !== undefined) return [first.entry];
    const { segment, offset } = first.location;
    const bytes = await this.#segments.read(segment, offset, endOf(span.at(-1) ?? first) - offset);
    return span.map((wanted) => this.#decode(wanted, bytes, offset));
  }

  #decode(wanted: Wanted, bytes: Uint8Array, from: number): Entry {
    const { index, location } = wanted;
    const start = location.offset - from;
    let entry: Entry;
    try {
      // A copy: an entry must not keep the whole span in memory.
      entry = this.#codec.decode(new Uint8Array(bytes.subarray(start, start + location.length)));
    } catch (error) {
      // Sound, and of a newer version of this program: who took it for damage would give the node up.
      if (error instanceof HoldfastError && error.code === 'HOLDFAST_VERSION_MISMATCH') throw error;
      throw damaged(index, location, error);
    }
    if (entry.index !== index || entry.term !== location.term) throw damaged(index, location);
    return entry;
  }
}

/** Decided at once: what is appended or truncated while it is read does not mix in. */
function choose(
  range: { readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number },
  map: LogMap,
  unsynced: Pick<TransientMap<LogIndex, Entry>, 'get'>,
): Wanted[] {
  const wanted: Wanted[] = [];
  let bytes = 0;
  for (let index = range.from; index <= range.to; index++) {
    const location = map.locate(index);
    if (location === undefined) break;
    bytes += location.length;
    if (wanted.length > 0 && bytes > range.bytesMax) break;
    wanted.push({ index, entry: unsynced.get(index), location });
  }
  return wanted;
}

/** As many from `start` on as one read serves. */
function spanFrom(wanted: readonly Wanted[], start: number): Wanted[] {
  const first = wanted[start]!;
  let end = start + 1;
  if (first.entry === undefined) {
    for (let next = wanted[end]; next !== undefined; next = wanted[++end]) {
      const near =
        next.entry === undefined &&
        next.location.segment === first.location.segment &&
        next.location.offset > first.location.offset &&
        endOf(next) - first.location.offset <= SPAN_BYTES_MAX;
      if (!near) break;
    }
  }
  return wanted.slice(start, end);
}

function endOf(wanted: Wanted): number {
  return wanted.location.offset + wanted.location.length;
}

function damaged(index: LogIndex, location: EntryLocation, cause?: unknown): HoldfastError {
  const message = `entry ${index} of term ${location.term} in segment ${location.segment} is damaged`;
  return new HoldfastError('HOLDFAST_CORRUPT_LOG', message, { cause });
}
