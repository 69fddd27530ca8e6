import { Accounting, type AccountingResult, type FoundValue, type ListedMutation } from '@holdfast/check';
import { type Ack, HoldfastError } from '@holdfast/types';
import type { Database } from '../open-database.ts';
import { Latencies } from './latencies.ts';
import { Pacer } from './pacer.ts';

export interface LoadOptions {
  /** Writes per second, all writers together; as many reads. */
  readonly rate: number;
  readonly writers: number;
  readonly ack: Ack | undefined;
  readonly valueBytes: number;
  /** A time without an acknowledged write longer than this is a gap. */
  readonly gapMs: number;
  /** All keys begin so. */
  readonly prefix: string;
}

export type LoadEvent =
  | { readonly kind: 'second'; readonly second: number; readonly writes: Measured; readonly reads: Measured }
  | { readonly kind: 'gap'; readonly ms: number; readonly endedAt: number }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly outcome: string };

export interface Measured {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface LoadTotals {
  readonly seconds: number;
  readonly writes: Measured;
  readonly reads: Measured;
  readonly gaps: readonly number[];
  readonly skipped: number;
  /** Reads that did not find what had been acknowledged before they began. */
  readonly staleReads: number;
}

const READS_AT_ONCE = 64;
/** The reader picks from so many of the newest acknowledged writes. */
const RECENT_MAX = 1000;

/** Writes that fall due in so long find a writer each, unless somebody says how many there are, milliseconds. */
const PATIENCE_MS = 100;
const WRITERS_MIN = 4;
const WRITERS_MAX = 256;

/**
 * So many that none has to wait for another at a latency of up to a tenth of a second. With fewer the load would measure
 * its own line: four writers whose writes take 10 ms each do 400 a second, and at 500 each write waits for longer.
 */
export function writersFor(rate: number): number {
  return Math.min(Math.max(Math.ceil((rate * PATIENCE_MS) / 1000), WRITERS_MIN), WRITERS_MAX);
}

/** Writers and readers at a steady rate, with a book of all that was acknowledged. */
export class LoadRun {
  readonly #database: Database;
  readonly #options: LoadOptions;
  readonly #onEvent: (event: LoadEvent) => void;
  readonly #accounting = new Accounting();
  readonly #keys: string[] = [];
  readonly #recent: { key: string; value: string }[] = [];
  readonly #writes = new Measure();
  readonly #reads = new Measure();
  readonly #gaps: number[] = [];
  readonly #filler: string;
  #isOver = false;
  #startedAt = 0;
  #endedAt = 0;
  #acknowledgedAt = 0;
  #staleReads = 0;
  #skipped = 0;

  constructor(database: Database, options: LoadOptions, onEvent: (event: LoadEvent) => void) {
    this.#database = database;
    this.#options = options;
    this.#onEvent = onEvent;
    this.#filler = 'x'.repeat(options.valueBytes);
  }

  /** Runs until `over` resolves, and every call has its answer. */
  async run(over: Promise<void>): Promise<LoadTotals> {
    const { rate, writers } = this.#options;
    // Opens the client's session and its link to the primary: in the book, but not what is measured.
    await this.#write();
    this.#startedAt = performance.now();
    this.#acknowledgedAt = this.#startedAt;
    const writePacer = new Pacer(rate, this.#startedAt);
    const readPacer = new Pacer(rate, this.#startedAt);
    let second = 0;
    const reports = setInterval(() => {
      second += 1;
      this.#onEvent({ kind: 'second', second, writes: this.#writes.take(), reads: this.#reads.take() });
    }, 1000);
    const workers = Array.from({ length: writers }, () =>
      this.#work(writePacer, (due) => this.#timedWrite(due)),
    );
    workers.push(...Array.from({ length: writers }, () => this.#work(readPacer, (due) => this.#read(due))));
    await over;
    this.#isOver = true;
    await Promise.all(workers);
    clearInterval(reports);
    this.#endedAt = performance.now();
    this.#skipped = writePacer.skipped;
    return this.#totals();
  }

  /** Reads every key and holds that against the book. */
  async account(diverged: readonly ListedMutation[]): Promise<AccountingResult> {
    const found = new Map<string, FoundValue | undefined>();
    for (let at = 0; at < this.#keys.length; at += READS_AT_ONCE) {
      const keys = this.#keys.slice(at, at + READS_AT_ONCE);
      const items = await Promise.all(
        keys.map((key) => this.#database.read(Buffer.from(key), { consistency: 'linearizable' })),
      );
      items.forEach((item, place) => {
        const value =
          item === undefined ? undefined : { value: item.value.toString(), revision: item.revision };
        found.set(keys[place] as string, value);
      });
    }
    return await this.#accounting.compare({ read: (key) => found.get(key), diverged });
  }

  async #work(pacer: Pacer, act: (due: number) => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      const due = pacer.next(performance.now());
      const waitMs = due - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#isOver) return;
      await act(due);
    }
  }

  async #timedWrite(due: number): Promise<void> {
    if (await this.#write()) this.#onAcknowledged(due);
  }

  /** False: it failed. */
  async #write(): Promise<boolean> {
    const key = `${this.#options.prefix}${String(this.#keys.length).padStart(8, '0')}`;
    this.#keys.push(key);
    const value = `${key}:${this.#filler}`;
    const open = this.#accounting.write({ key, value });
    try {
      const { revision, ack } = await this.#database.write(
        [{ type: 'put', key: Buffer.from(key), value: Buffer.from(value) }],
        { ack: this.#options.ack },
      );
      open.acknowledged({ revision, ack });
      this.#recent.push({ key, value });
      if (this.#recent.length > RECENT_MAX) this.#recent.shift();
      return true;
    } catch (error) {
      if (error instanceof HoldfastError && error.outcome === 'not-applied') open.failed();
      else open.unknown();
      this.#onError(error);
      return false;
    }
  }

  #onAcknowledged(due: number): void {
    const now = performance.now();
    this.#writes.add(now - due);
    const gapMs = now - this.#acknowledgedAt;
    this.#acknowledgedAt = now;
    if (gapMs < this.#options.gapMs) return;
    this.#gaps.push(gapMs);
    this.#onEvent({ kind: 'gap', ms: Math.round(gapMs), endedAt: Date.now() });
  }

  async #read(due: number): Promise<void> {
    const write = this.#recent[Math.floor(Math.random() * this.#recent.length)];
    if (write === undefined) return;
    try {
      const value = await this.#database.get(Buffer.from(write.key));
      this.#reads.add(performance.now() - due);
      if (value?.toString() !== write.value) this.#staleReads += 1;
    } catch (error) {
      this.#onError(error);
    }
  }

  #onError(error: unknown): void {
    const { code, message, outcome } = error as { code?: string; message: string; outcome?: string };
    this.#onEvent({ kind: 'error', code: code ?? 'FAILED', message, outcome: outcome ?? 'unknown' });
  }

  #totals(): LoadTotals {
    return {
      seconds: (this.#endedAt - this.#startedAt) / 1000,
      writes: this.#writes.all(),
      reads: this.#reads.all(),
      gaps: this.#gaps.map(Math.round),
      skipped: this.#skipped,
      staleReads: this.#staleReads,
    };
  }
}

/** Latencies since the last look, and of the whole run. */
class Measure {
  readonly #current = new Latencies();
  readonly #total = new Latencies();

  add(ms: number): void {
    this.#current.add(ms);
    this.#total.add(ms);
  }

  take(): Measured {
    const measured = measuredOf(this.#current);
    this.#current.clear();
    return measured;
  }

  all(): Measured {
    return measuredOf(this.#total);
  }
}

function measuredOf(latencies: Latencies): Measured {
  const rounded = (share: number): number | null => {
    const value = latencies.percentile(share);
    return value === undefined ? null : Math.round(value * 100) / 100;
  };
  return { count: latencies.count, p50Ms: rounded(0.5), p99Ms: rounded(0.99) };
}
