import type { Ack } from '@holdfast/types';
import { CounterLedger } from './counter-ledger.ts';
import { type AccountedWrite, WriteLedger, type WriteVerdict } from './write-ledger.ts';

/** What a read after the run found. */
export interface FoundValue {
  readonly value: string;
  readonly revision: number;
}

/** A mutation that is listed as diverged. */
export interface ListedMutation {
  /** Of the diverged entry that holds it. */
  readonly id: string;
  readonly key: string;
  /** Undefined: a delete. */
  readonly value: string | undefined;
  readonly revision: number;
  /** It was written again by an operator and must be found. */
  readonly isReapplied?: boolean;
}

export interface AccountingResult {
  readonly ok: boolean;
  readonly acknowledged: Readonly<Record<Ack, number>>;
  readonly failed: number;
  readonly unknown: number;
  /** Of acknowledged writes, by what became of them. `overwritten`: a later write of the key is there instead. */
  readonly fates: Readonly<Record<'survived' | 'overwritten' | 'listed' | 'lost' | 'twice', number>>;
  /** One line each, and a summary as the last. */
  readonly lines: readonly string[];
}

/** A write under way; exactly one of its methods is called, once. */
export interface OpenWrite {
  acknowledged(receipt: { revision: number; ack: Ack }): void;
  /** Answered: not applied. */
  failed(): void;
  unknown(): void;
}

/** A step of a counter under way, by increment or by compare-and-set; exactly one method is called, once. */
export interface OpenStep {
  /** `value`: that of the counter after it. */
  acknowledged(value: number): void;
  failed(): void;
  unknown(): void;
}

const PROBLEM_LINES_MAX = 50;

/**
 * Keeps book of every write that a client was told about, and in the end holds that against what is
 * there: an acknowledged write is found, or listed as diverged, exactly one of the two and once; a
 * failed one is neither. Only `local` writes may be listed at all. Values are unique for each key,
 * so that a value found names the write that it came from.
 */
export class Accounting {
  readonly #writes = new WriteLedger();
  readonly #counters = new Map<string, CounterLedger>();

  /** Call it before the request can have left. `value` undefined: a delete. Throws for a value used before with this key. */
  write({ key, value }: { key: string; value: string | undefined }): OpenWrite {
    const write = this.#writes.open(key, value);
    return {
      acknowledged: ({ revision, ack }) =>
        this.#writes.settle(write, { kind: 'acknowledged', revision, ack }),
      failed: () => this.#writes.settle(write, { kind: 'failed' }),
      unknown: () => this.#writes.settle(write, { kind: 'unknown' }),
    };
  }

  /** One step of a counter that is written in no other way and was absent at first. */
  step({ key, by }: { key: string; by: number }): OpenStep {
    const counter = this.#counters.get(key) ?? new CounterLedger(key);
    this.#counters.set(key, counter);
    return counter.open(by);
  }

  /**
   * `read` is asked once for every key, in order. `diverged`: all that any node lists, each id once.
   */
  async compare(found: {
    read: (key: string) => Promise<FoundValue | undefined> | FoundValue | undefined;
    diverged?: Iterable<ListedMutation>;
  }): Promise<AccountingResult> {
    const values = new Map<string, FoundValue | undefined>();
    for (const key of this.#writes.keys()) values.set(key, await found.read(key));
    const verdict = this.#writes.judge({ values, listed: [...(found.diverged ?? [])] });
    const problems = [...verdict.problems];
    for (const [key, counter] of this.#counters) problems.push(...counter.judge(await found.read(key)));
    return resultOf(this.#writes.writes, verdict, problems, this.#counters.size);
  }
}

function resultOf(
  writes: readonly AccountedWrite[],
  { fates, unknownFound }: WriteVerdict,
  problems: readonly string[],
  counters: number,
): AccountingResult {
  const acknowledged: Record<Ack, number> = { local: 0, quorum: 0, all: 0 };
  for (const { state } of writes) if (state.kind === 'acknowledged') acknowledged[state.ack] += 1;
  const count = (kind: AccountedWrite['state']['kind']): number =>
    writes.filter(({ state }) => state.kind === kind).length;
  const failed = count('failed');
  const unknown = count('unknown') + count('open');
  const levels = Object.entries(acknowledged).filter(([, writes]) => writes > 0);
  const lines = problems.slice(0, PROBLEM_LINES_MAX);
  if (problems.length > lines.length) lines.push(`and ${problems.length - lines.length} more`);
  lines.push(
    `${count('acknowledged')} writes acknowledged (${levels.map(([ack, writes]) => `${ack} ${writes}`).join(', ') || 'none'}): ` +
      `${fates.survived} survived, ${fates.overwritten} overwritten since, ${fates.listed} listed as diverged, ` +
      `${fates.lost} lost, ${fates.twice} twice; ${failed} failed; ${unknown} unknown, of which ${unknownFound} found; ` +
      `${counters} counters; ${problems.length} problems`,
  );
  return { ok: problems.length === 0, acknowledged, failed, unknown, fates, lines };
}
