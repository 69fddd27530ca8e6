import { dirname } from 'node:path';
import { type Disk, type Entry, HoldfastError, isDiskError } from '@holdfast/types';
import { UnreadableBytesError } from './bytes.ts';
import {
  type DivergedEntry,
  type DivergedSummary,
  decodeDivergedEntry,
  divergedEntryOf,
  divergedId,
  encodeDivergedEntry,
} from './diverged-entry.ts';
import { type ByteSpan, FrameLog, type FramePlace, frameBytes } from './frame-log.ts';

export interface DivergenceFileOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly limits?: Partial<DivergenceLimits>;
  /** It could not be written, and not for want of room: nobody knows what it holds, and the node must stop. Said once. */
  onFailure?(error: Error): void;
}

/** What keeps the file from growing for ever. */
export interface DivergenceLimits {
  /** It is written anew when more than so much of it is of no use, and more than half. */
  readonly wasteBytesMin: number;
  /** One discarded before so many others would be listed again if the node still had it in its log that much later. */
  readonly discardedMax: number;
}

/** First byte of a payload. */
const KIND = { filed: 1, discarded: 2 } as const;
const LIMITS: DivergenceLimits = { wasteBytesMin: 1_048_576, discardedMax: 10_000 };
/** Written and synced at a time when the file is written anew. */
const COPY_BYTES = 1_048_576;

interface Filed {
  readonly summary: DivergedSummary;
  readonly place: FramePlace;
}

/** The file, and what is known of it. */
interface Opened {
  readonly log: FrameLog;
  readonly filed: Map<string, Filed>;
  /** Ids that were discarded, the oldest first: they are not filed again, whoever finds them in a log later. */
  readonly discarded: Set<string>;
  /** Of the file, what holds any of these. */
  usedBytes: number;
  readonly limits: DivergenceLimits;
}

type Contents = Omit<Opened, 'log'>;

/**
 * What failovers lost: entries of a log suffix that no majority held, kept until an operator re-applies
 * or discards them. Summaries are in memory, the mutations stay on disk. Calls are done one by one.
 */
export class DivergenceFile {
  readonly #options: DivergenceFileOptions;
  #opened: Opened;
  #last: Promise<unknown> = Promise.resolve();
  #failed = false;

  private constructor(options: DivergenceFileOptions, opened: Opened) {
    this.#options = options;
    this.#opened = opened;
  }

  /** Opens or makes the file. Throws HOLDFAST_VERSION_MISMATCH for a record this version cannot read, or a `DiskError`. */
  static async open(options: DivergenceFileOptions): Promise<DivergenceFile> {
    return new DivergenceFile(options, await openFile(options));
  }

  /** Parts of the file that were lost to damage: what was filed there is not listed. */
  get damage(): readonly ByteSpan[] {
    return this.#opened.log.damage;
  }

  get damagedBytes(): number {
    return this.damage.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /**
   * Files those of `entries` that change keys, durably once it resolves; each (database, index, term)
   * once, and not again after it was discarded. Throws a `DiskError`; after ENOSPC it may be called again.
   */
  file(database: string, entries: readonly Entry[], undecided: boolean): Promise<void> {
    return this.#change(async () => {
      const { log, filed, discarded } = this.#opened;
      const lost: DivergedEntry[] = [];
      for (const entry of entries) {
        const id = divergedId(database, entry);
        if (filed.has(id) || discarded.has(id) || lost.some((other) => other.id === id)) continue;
        const diverged = divergedEntryOf(database, entry, undecided);
        if (diverged !== undefined) lost.push(diverged);
      }
      if (lost.length === 0) return;
      const places = await log.append(lost.map((entry) => payloadOf(KIND.filed, encodeDivergedEntry(entry))));
      for (const [position, entry] of lost.entries())
        addFiled(this.#opened, summaryOf(entry), places[position]!);
    });
  }

  /** In the order of filing. */
  list(): DivergedSummary[] {
    return [...this.#opened.filed.values()].map(({ summary }) => summary);
  }

  /** Undefined for an id that is not listed. Throws HOLDFAST_DISK_FAILED if it is damaged. */
  show(id: string): Promise<DivergedEntry | undefined> {
    return this.#inTurn(async () => {
      const { log, filed } = this.#opened;
      const found = filed.get(id);
      if (found === undefined) return undefined;
      const payload = await log.read(found.place);
      if (payload === undefined) throw new HoldfastError('HOLDFAST_DISK_FAILED', `${id} is damaged on disk`);
      return decodeRecord(payload.subarray(1));
    });
  }

  /** For good, durably. False for an id that is not listed. Throws a `DiskError`. */
  discard(id: string): Promise<boolean> {
    return this.#change(async () => {
      const { log, filed } = this.#opened;
      if (!filed.has(id)) return false;
      await log.append([discardOf(id)]);
      addDiscarded(this.#opened, id);
      if (this.#isWasteful) await this.#writeAnew();
      return true;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#opened.log.close());
  }

  get #isWasteful(): boolean {
    const { log, usedBytes } = this.#opened;
    const wasteBytes = log.bytes - usedBytes;
    return wasteBytes > usedBytes && wasteBytes > this.#opened.limits.wasteBytesMin;
  }

  /**
   * Leaves behind what nobody lists any more. The copy is whole and synced before it takes the place of the file. What
   * is damaged stays as it is, for whoever wants to look at it; where there is no room for a copy, all stays as it is.
   */
  async #writeAnew(): Promise<void> {
    const { disk, path } = this.#options;
    const { log } = this.#opened;
    if (log.damage.length > 0) return;
    try {
      if (!(await this.#copy())) return;
      await disk.rename(copyPath(this.#options), path);
    } catch (error) {
      if (!isDiskError(error, 'ENOSPC')) throw error;
      await disk.remove(copyPath(this.#options));
      return;
    }
    try {
      await log.close();
      await disk.syncDirectory(dirname(path));
      this.#opened = await openFile(this.#options);
    } catch (error) {
      // What was open is no longer the file, be it for want of room.
      this.#fail(error as Error);
      throw error;
    }
  }

  /** False: something cannot be read any more. */
  async #copy(): Promise<boolean> {
    const { disk, path } = this.#options;
    const { log, filed, discarded } = this.#opened;
    const place = { disk, path: copyPath(this.#options), directory: dirname(path) };
    // Of an attempt that came to nothing.
    await disk.remove(place.path);
    const copy = await FrameLog.open(place, () => {});
    try {
      let batch = [...discarded].map(discardOf);
      let batchBytes = 0;
      for (const { place } of filed.values()) {
        const payload = await log.read(place);
        if (payload === undefined) return false;
        batch.push(payload);
        batchBytes += payload.byteLength;
        if (batchBytes < COPY_BYTES) continue;
        await copy.append(batch);
        [batch, batchBytes] = [[], 0];
      }
      await copy.append(batch);
      return true;
    } finally {
      await copy.close();
    }
  }

  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      try {
        return await change();
      } catch (error) {
        if (!isDiskError(error, 'ENOSPC')) this.#fail(error as Error);
        throw error;
      }
    });
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailure?.(error);
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function copyPath({ path }: DivergenceFileOptions): string {
  return `${path}.new`;
}

async function openFile({ disk, path, limits }: DivergenceFileOptions): Promise<Opened> {
  const found: Contents = {
    filed: new Map(),
    discarded: new Set(),
    usedBytes: 0,
    limits: { ...LIMITS, ...limits },
  };
  const log = await FrameLog.open({ disk, path, directory: dirname(path) }, (payload, place) => {
    const body = payload.subarray(1);
    switch (payload[0]) {
      case KIND.filed: {
        const summary = summaryOf(decodeRecord(body));
        if (!found.discarded.has(summary.id)) addFiled(found, summary, place);
        return;
      }
      case KIND.discarded:
        return addDiscarded(found, Buffer.from(body).toString('utf8'));
      default:
        throw new HoldfastError('HOLDFAST_VERSION_MISMATCH', `${path} holds a record of unknown kind`);
    }
  });
  return Object.assign(found, { log });
}

function addFiled(opened: Contents, summary: DivergedSummary, place: FramePlace): void {
  opened.filed.set(summary.id, { summary, place });
  opened.usedBytes += frameBytes(place.length);
}

function addDiscarded(opened: Contents, id: string): void {
  const { filed, discarded, limits } = opened;
  const was = filed.get(id);
  if (was !== undefined) opened.usedBytes -= frameBytes(was.place.length);
  filed.delete(id);
  discarded.add(id);
  opened.usedBytes += frameBytes(discardOf(id).byteLength);
  if (discarded.size <= limits.discardedMax) return;
  const [oldest] = discarded;
  discarded.delete(oldest!);
  opened.usedBytes -= frameBytes(discardOf(oldest!).byteLength);
}

function discardOf(id: string): Uint8Array {
  return payloadOf(KIND.discarded, Buffer.from(id, 'utf8'));
}

function payloadOf(kind: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(kind), body]);
}

function summaryOf(entry: DivergedEntry): DivergedSummary {
  const { writes, ...summary } = entry;
  return summary;
}

/** The checksum held, so bytes that do not decode were written by another version. */
function decodeRecord(body: Uint8Array): DivergedEntry {
  try {
    return decodeDivergedEntry(body);
  } catch (error) {
    if (!(error instanceof UnreadableBytesError)) throw error;
    throw new HoldfastError(
      'HOLDFAST_VERSION_MISMATCH',
      `a divergence record is unreadable: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}
