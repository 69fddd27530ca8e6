import { type BookedWrite, describeWrite } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { LoggedMutation, WinningLog } from './winning-log.ts';

/** A mutation that some node lists as diverged. */
export interface ListedMutation {
  /** `<database>.<index>.<term>` of its entry. */
  readonly entry: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: number;
}

export interface AcknowledgedCounts {
  readonly acknowledged: number;
  /** `local` ones that a failover lost. */
  readonly listed: number;
  readonly unknown: number;
  /** Of the unknown ones those that were applied. */
  readonly unknownApplied: number;
}

type Change = BookedWrite['changes'][number];

const NAME = 'acknowledged writes';

/**
 * What was acknowledged at `quorum` or `all` is in the log that won (G1, G2); what was acknowledged at `local` is
 * there or listed as diverged, one of the two (G3); what was said not to be applied is neither (G6).
 */
export function checkAcknowledgedWrites(
  writes: readonly BookedWrite[],
  log: WinningLog,
  listed: readonly ListedMutation[],
): AcknowledgedCounts {
  const places = new Places(log, listed);
  const counts = { acknowledged: 0, listed: 0, unknown: 0, unknownApplied: 0 };
  for (const write of writes) {
    const fate = places.fateOf(write);
    if (fate === undefined) continue;
    if (fate.partly) throw violation(write, 'a part of it was applied');
    if (fate.won && fate.listed) throw violation(write, 'it is in the log, and listed as diverged');
    switch (write.outcome.kind) {
      case 'acknowledged':
        counts.acknowledged += 1;
        if (fate.listed) counts.listed += 1;
        if (fate.won) break;
        if (write.outcome.ack !== 'local') throw violation(write, 'it is lost');
        if (!fate.listed) throw violation(write, 'it is neither there nor listed as diverged');
        break;
      case 'notApplied':
      case 'refused':
        if (fate.won) throw violation(write, 'it is in the log');
        if (fate.listed && write.outcome.kind === 'notApplied')
          throw violation(write, 'it was logged: it is listed as diverged');
        break;
      default:
        counts.unknown += 1;
        if (fate.won) counts.unknownApplied += 1;
    }
  }
  return counts;
}

interface Fate {
  readonly won: boolean;
  /**
   * Under the very revision that the client was told, if it was told one: an attempt that a failover lost may be
   * listed although a later one of the same call won.
   */
  readonly listed: boolean;
  readonly partly: boolean;
}

/** Finds where a write went: by its values, a delete by the revision that its client was told. */
class Places {
  readonly #log: WinningLog;
  readonly #won = new Map<string, LoggedMutation>();
  readonly #listedValues: ReadonlySet<string>;
  readonly #listedRevisions: ReadonlySet<number>;

  constructor(log: WinningLog, listed: readonly ListedMutation[]) {
    this.#log = log;
    for (const mutation of log.mutations)
      if (mutation.value !== undefined && !mutation.isRenewal)
        this.#won.set(nameOf(mutation.key, mutation.value), mutation);
    this.#listedValues = new Set(listed.map(({ key, value }) => nameOf(key, value)));
    this.#listedRevisions = new Set(listed.map(({ revision }) => revision));
  }

  /** Undefined: a delete whose revision nobody was told cannot be found again. */
  fateOf(write: BookedWrite): Fate | undefined {
    const { changes, outcome } = write;
    const last = outcome.kind === 'acknowledged' ? outcome.revision : undefined;
    const known = changes.filter(({ value }) => value !== undefined || last !== undefined);
    if (known.length === 0) return undefined;
    let won = 0;
    let listed = 0;
    for (const change of known) {
      const revision = last === undefined ? undefined : last - (changes.length - 1 - changes.indexOf(change));
      const isWon = this.#isWon(write, change, revision);
      if (isWon) won += 1;
      if (revision === undefined ? !isWon && this.#isListed(change) : this.#listedRevisions.has(revision))
        listed += 1;
    }
    return { won: won > 0, listed: listed > 0, partly: won > 0 && won < known.length };
  }

  #isWon(write: BookedWrite, { key, value }: Change, revision: number | undefined): boolean {
    if (value === undefined) {
      const found = this.#log.at(revision!);
      return found !== undefined && found.key === key && found.value === undefined;
    }
    const found = this.#won.get(nameOf(key, value));
    if (found !== undefined && revision !== undefined && found.revision !== revision)
      throw violation(write, `it is in the log at revision ${found.revision}`);
    return found !== undefined;
  }

  #isListed({ key, value }: Change): boolean {
    return this.#listedValues.has(nameOf(key, value));
  }
}

function nameOf(key: string, value: string | undefined): string {
  return JSON.stringify([key, value ?? null]);
}

function violation(write: BookedWrite, what: string): SafetyViolation {
  return new SafetyViolation(NAME, `${describeWrite(write)}: ${what}`);
}
