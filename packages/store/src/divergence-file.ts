import { dirname } from 'node:path';
import { type Disk, type Entry, HoldfastError } from '@holdfast/types';
import { UnreadableBytesError } from './bytes.ts';
import {
  type DivergedEntry,
  type DivergedSummary,
  decodeDivergedEntry,
  divergedEntryOf,
  divergedId,
  encodeDivergedEntry,
} from './diverged-entry.ts';
import { type ByteSpan, FrameLog, type FramePlace } from './frame-log.ts';

export interface DivergenceFileOptions {
  readonly disk: Disk;
  readonly path: string;
}

/** First byte of a payload. */
const KIND = { filed: 1, discarded: 2 } as const;

interface Filed {
  readonly summary: DivergedSummary;
  readonly place: FramePlace;
}

/**
 * What failovers lost: entries of a log suffix that no majority held, kept until an operator re-applies
 * or discards them. Summaries are in memory, the mutations stay on disk. Calls are done one by one.
 */
export class DivergenceFile {
  readonly #log: FrameLog;
  readonly #filed: Map<string, Filed>;
  /** Ids that were discarded: they are not filed again, whoever finds them in a log later. */
  readonly #discarded: Set<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(log: FrameLog, filed: Map<string, Filed>, discarded: Set<string>) {
    this.#log = log;
    this.#filed = filed;
    this.#discarded = discarded;
  }

  /** Opens or makes the file. Throws HOLDFAST_VERSION_MISMATCH for a record this version cannot read, or a `DiskError`. */
  static async open(options: DivergenceFileOptions): Promise<DivergenceFile> {
    const filed = new Map<string, Filed>();
    const discarded = new Set<string>();
    const log = await FrameLog.open({ ...options, directory: dirname(options.path) }, (payload, place) => {
      const body = payload.subarray(1);
      switch (payload[0]) {
        case KIND.filed: {
          const summary = summaryOf(decodeRecord(body));
          if (!discarded.has(summary.id)) filed.set(summary.id, { summary, place });
          return;
        }
        case KIND.discarded: {
          const id = Buffer.from(body).toString('utf8');
          filed.delete(id);
          discarded.add(id);
          return;
        }
        default:
          throw new HoldfastError(
            'HOLDFAST_VERSION_MISMATCH',
            `${options.path} holds a record of unknown kind`,
          );
      }
    });
    return new DivergenceFile(log, filed, discarded);
  }

  /** Parts of the file that were lost to damage: what was filed there is not listed. */
  get damage(): readonly ByteSpan[] {
    return this.#log.damage;
  }

  /**
   * Files those of `entries` that change keys, durably once it resolves; each (database, index, term)
   * once, and not again after it was discarded. Throws a `DiskError`; after ENOSPC it may be called again.
   */
  file(database: string, entries: readonly Entry[], undecided: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const lost: DivergedEntry[] = [];
      for (const entry of entries) {
        const id = divergedId(database, entry);
        if (this.#filed.has(id) || this.#discarded.has(id) || lost.some((other) => other.id === id)) continue;
        const diverged = divergedEntryOf(database, entry, undecided);
        if (diverged !== undefined) lost.push(diverged);
      }
      if (lost.length === 0) return;
      const places = await this.#log.append(
        lost.map((entry) => payloadOf(KIND.filed, encodeDivergedEntry(entry))),
      );
      for (const [position, entry] of lost.entries()) {
        this.#filed.set(entry.id, { summary: summaryOf(entry), place: places[position]! });
      }
    });
  }

  /** In the order of filing. */
  list(): DivergedSummary[] {
    return [...this.#filed.values()].map(({ summary }) => summary);
  }

  /** Undefined for an id that is not listed. Throws HOLDFAST_DISK_FAILED if it is damaged. */
  show(id: string): Promise<DivergedEntry | undefined> {
    return this.#inTurn(async () => {
      const filed = this.#filed.get(id);
      if (filed === undefined) return undefined;
      const payload = await this.#log.read(filed.place);
      if (payload === undefined) throw new HoldfastError('HOLDFAST_DISK_FAILED', `${id} is damaged on disk`);
      return decodeRecord(payload.subarray(1));
    });
  }

  /** For good, durably. False for an id that is not listed. */
  discard(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!this.#filed.has(id)) return false;
      await this.#log.append([payloadOf(KIND.discarded, Buffer.from(id, 'utf8'))]);
      this.#filed.delete(id);
      this.#discarded.add(id);
      return true;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#log.close());
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
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
