import {
  Accounting,
  type AccountingResult,
  checkLinearizable,
  counterModel,
  HistoryRecorder,
  keyValueModel,
  type LinearizabilityResult,
  type RecordedOperation,
} from '@holdfast/check';
import { type Holdfast, HoldfastError, type Outcome } from '@holdfast/client';
import { waitUntil } from '../faults/wait-until.ts';

export interface LedgerLoadOptions {
  readonly client: Holdfast<string, string>;
  /** Calls under way at a time. */
  readonly workers?: number;
  /** Before every key, so that several loads may share a cluster. */
  readonly prefix?: string;
}

interface Call {
  readonly recorded: RecordedOperation;
  /** Told when the call ends without a receipt; absent for reads. */
  readonly accounted?: { failed(): void; unknown(): void };
}

export interface LedgerVerdict {
  readonly accounting: AccountingResult;
  readonly keyValue: LinearizabilityResult;
  readonly counters: LinearizabilityResult;
}

const SHARED_KEYS = 64;
const COUNTERS = 4;
const READS_AT_A_TIME = 64;

/**
 * Workers that write at quorum, keep book of every answer and write down a history of it all: puts of fresh keys,
 * puts and linearizable reads of shared ones, increments, and counters by compare-and-set.
 */
export class LedgerLoad {
  /** Writes, increments and compare-and-sets that were acknowledged. */
  acknowledged = 0;
  readonly outcomes: Record<Outcome, number> = { 'not-applied': 0, applied: 0, unknown: 0 };
  /** Of the first few failures, for people. */
  readonly words: string[] = [];
  readonly #client: Holdfast<string, string>;
  readonly #prefix: string;
  readonly #accounting = new Accounting();
  readonly #keyValue = new HistoryRecorder({ clock: performance });
  readonly #counters = new HistoryRecorder({ clock: performance });
  readonly #done: Promise<unknown>;
  #inFlight = 0;
  #issued = 0;
  #stopped = false;

  constructor({ client, workers = 16, prefix = '' }: LedgerLoadOptions) {
    this.#client = client;
    this.#prefix = prefix;
    this.#done = Promise.all(Array.from({ length: workers }, (_, worker) => this.#run(worker)));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A linearizable read of one of the shared keys by somebody else, written down in the same history. */
  async readThrough(client: Holdfast<string, string>, name: string): Promise<void> {
    await this.#get({ client, name }, `${this.#prefix}shared/${this.#issued % SHARED_KEYS}`);
  }

  /** Resolves when so many writes are acknowledged in all. */
  async reached(acknowledged: number, timeoutMs?: number): Promise<void> {
    await waitUntil(
      `${acknowledged} acknowledged writes`,
      () => this.acknowledged >= acknowledged,
      timeoutMs,
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** After `stop`: what is there against what was told, and the order of it all. */
  async judge(): Promise<LedgerVerdict> {
    const found = await this.#everything();
    return {
      accounting: await this.#accounting.compare({ read: (key) => found.get(key) }),
      keyValue: checkLinearizable(keyValueModel, this.#keyValue.events),
      counters: checkLinearizable(counterModel, this.#counters.events),
    };
  }

  async #run(worker: number): Promise<void> {
    while (!this.#stopped) {
      const number = this.#issued++;
      this.#inFlight += 1;
      await this.#oneOf(worker, number);
      this.#inFlight -= 1;
    }
  }

  async #oneOf(worker: number, number: number): Promise<void> {
    const round = Math.floor(number / 8);
    const shared = `${this.#prefix}shared/${round % SHARED_KEYS}`;
    switch (number % 8) {
      case 0:
      case 1:
      case 2:
        await this.#put(worker, `${this.#prefix}fresh/${number}`, number);
        return;
      case 3:
      case 4:
        await this.#put(worker, shared, number);
        return;
      case 5:
        await this.#get({ client: this.#client, name: `w${worker}` }, shared);
        return;
      case 6:
        await this.#increment(worker, `${this.#prefix}counter/${round % COUNTERS}`);
        return;
      default:
        await this.#compareAndSet(worker, `${this.#prefix}swapped/${round % COUNTERS}`);
    }
  }

  async #put(worker: number, key: string, number: number): Promise<void> {
    const value = `${number}`;
    const recorded = this.#keyValue.invoke({ client: `w${worker}`, op: 'put', key, value });
    const accounted = this.#accounting.write({ key, value });
    await this.#settle({ recorded, accounted }, async () => {
      const receipt = await this.#client.write([{ type: 'put', key, value }], { ack: 'quorum' });
      this.acknowledged += 1;
      accounted.acknowledged(receipt);
      recorded.ok({ revision: receipt.revision });
    });
  }

  async #get(
    { client, name }: { client: Holdfast<string, string>; name: string },
    key: string,
  ): Promise<{ value: string; revision: number } | undefined> {
    const recorded = this.#keyValue.invoke({ client: name, op: 'get', key });
    let found: { value: string; revision: number } | undefined;
    await this.#settle({ recorded }, async () => {
      found = await client.read(key, { consistency: 'linearizable' });
      recorded.ok({ value: found?.value ?? null, revision: found?.revision ?? 0 });
    });
    return found;
  }

  async #increment(worker: number, key: string): Promise<void> {
    const recorded = this.#counters.invoke({ client: `w${worker}`, op: 'increment', key, value: 1 });
    const accounted = this.#accounting.step({ key, by: 1 });
    await this.#settle({ recorded, accounted }, async () => {
      const { value } = await this.#client.increment(key);
      this.acknowledged += 1;
      accounted.acknowledged(value);
      recorded.ok({ value });
    });
  }

  /** One more, on the condition that nobody was faster. A lost race is an answer, too. */
  async #compareAndSet(worker: number, key: string): Promise<void> {
    const before = await this.#get({ client: this.#client, name: `w${worker}` }, key);
    const value = Number(before?.value ?? 0) + 1;
    const ifRevision = before?.revision ?? 0;
    const recorded = this.#keyValue.invoke({
      client: `w${worker}`,
      op: 'put',
      key,
      value: `${value}`,
      ifRevision,
    });
    const accounted = this.#accounting.step({ key, by: 1 });
    await this.#settle({ recorded, accounted }, async () => {
      try {
        const put = { type: 'put', key, value: `${value}` } as const;
        const { revision } = await this.#client.write([put], { ack: 'quorum', ifRevision });
        this.acknowledged += 1;
        accounted.acknowledged(value);
        recorded.ok({ revision });
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_CONFLICT') throw error;
        accounted.failed();
        recorded.ok({ swapped: false, revision: error.detail ?? 0 });
      }
    });
  }

  async #settle({ recorded, accounted }: Call, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.outcomes[error.outcome] += 1;
      if (this.words.length < 10) this.words.push(`${error.code}: ${error.message}`);
      if (error.outcome === 'not-applied') {
        recorded.fail(error.code);
        accounted?.failed();
      } else {
        recorded.info(error.code);
        accounted?.unknown();
      }
    }
  }

  async #everything(): Promise<Map<string, { value: string; revision: number }>> {
    const keys = await this.#client.keys({ consistency: 'linearizable' }).all();
    const found = new Map<string, { value: string; revision: number }>();
    for (let first = 0; first < keys.length; first += READS_AT_A_TIME) {
      const some = keys.slice(first, first + READS_AT_A_TIME);
      const read = await Promise.all(
        some.map((key) => this.#client.read(key, { consistency: 'linearizable' })),
      );
      for (const [position, value] of read.entries())
        if (value !== undefined) found.set(some[position]!, value);
    }
    return found;
  }
}
