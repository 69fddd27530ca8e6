import type { Ack } from '@holdfast/types';
import { type BookedWrite, describeWrite } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { LoggedMutation, WinningLog } from './winning-log.ts';

/** A mutation that some node lists as diverged. */
export interface ListedMutation {
  /** `<database>.<index>.<term>` of its entry. */
  readonly entry: string;
  /** `<session>/<sequence>`. */
  readonly call: string;
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
 * there or listed as diverged, one of the two (G3); what was said not to be applied is neither (G6). Of what belongs
 * together all is there, and all is listed, or nothing (G7).
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
    if (fate.wonPartly) throw violation(write, 'a part of it was applied');
    if (fate.listedPartly) throw violation(write, 'a part of it is listed as diverged');
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
  checkUntoldDeletes(writes, log, listed);
  return counts;
}

/**
 * Which of the deletes in the log was whose nobody can say where their clients were not told a revision. But as many
 * calls deleted the key as were acknowledged.
 */
function checkUntoldDeletes(
  writes: readonly BookedWrite[],
  log: WinningLog,
  listed: readonly ListedMutation[],
): void {
  const told = new Set(writes.flatMap(({ changes, outcome }) => revisionsOf(changes, outcome) ?? []));
  for (const [key, acks] of untoldDeletes(writes)) {
    const won = log.ofKey(key).flatMap(({ call, ...mutation }) => {
      return call === undefined ? [] : [{ ...mutation, call: `${call.session}/${call.sequence}` }];
    });
    const lost = listed.filter((mutation) => mutation.key === key);
    const ofOthers = new Set<string>();
    // By call: an attempt of it may have been lost before another one won.
    for (const { call, revision } of [...won, ...lost]) if (told.has(revision)) ofOthers.add(call);
    const deletes = (mutations: readonly Pick<ListedMutation, 'call' | 'value'>[]): number =>
      new Set(
        mutations
          .filter(({ call, value }) => value === undefined && !ofOthers.has(call))
          .map(({ call }) => call),
      ).size;
    const safe = acks.filter((ack) => ack !== 'local').length;
    if (safe > deletes(won))
      throw new SafetyViolation(
        NAME,
        `del ${key} was acknowledged ${safe} times, and ${deletes(won)} are in the log`,
      );
    const found = deletes([...won, ...lost]);
    if (acks.length > found)
      throw new SafetyViolation(
        NAME,
        `del ${key} was acknowledged ${acks.length} times, and ${found} are in the log or listed as diverged`,
      );
  }
}

/** By key, at what they were acknowledged. */
function untoldDeletes(writes: readonly BookedWrite[]): Map<string, Ack[]> {
  const deletes = new Map<string, Ack[]>();
  for (const { changes, outcome } of writes) {
    if (outcome.kind !== 'acknowledged' || outcome.revision !== undefined) continue;
    for (const { key, value } of changes)
      if (value === undefined) deletes.set(key, [...(deletes.get(key) ?? []), outcome.ack]);
  }
  return deletes;
}

interface Fate {
  readonly won: boolean;
  /**
   * Under the very revision that the client was told, if it was told one: an attempt that a failover lost may be
   * listed although a later one of the same call won.
   */
  readonly listed: boolean;
  readonly wonPartly: boolean;
  /** Of any attempt. */
  readonly listedPartly: boolean;
}

/** Finds where a write went: by its values, a delete by the revision that its client was told. */
class Places {
  readonly #log: WinningLog;
  readonly #won = new Map<string, LoggedMutation>();
  /** Of a value the entries that list it: one for each attempt that was lost. */
  readonly #listedValues = new Map<string, Set<string>>();
  readonly #listedRevisions: ReadonlySet<number>;

  constructor(log: WinningLog, listed: readonly ListedMutation[]) {
    this.#log = log;
    for (const mutation of log.mutations)
      if (mutation.value !== undefined && !mutation.isRenewal)
        this.#won.set(nameOf(mutation.key, mutation.value), mutation);
    for (const { key, value, entry } of listed) {
      const name = nameOf(key, value);
      this.#listedValues.set(name, (this.#listedValues.get(name) ?? new Set()).add(entry));
    }
    this.#listedRevisions = new Set(listed.map(({ revision }) => revision));
  }

  /** Undefined: a delete whose revision nobody was told cannot be found again. */
  fateOf(write: BookedWrite): Fate | undefined {
    const { changes, outcome } = write;
    const revisions = revisionsOf(changes, outcome);
    const known = changes.filter(({ value }) => value !== undefined || revisions !== undefined);
    if (known.length === 0) return undefined;
    const won = known.filter((change) => this.#isWon(write, change, revisions?.[changes.indexOf(change)]));
    const told = revisions?.filter((revision) => this.#listedRevisions.has(revision)).length;
    const attempts = this.#attemptsListing(changes);
    return {
      won: won.length > 0,
      listed: told === undefined ? won.length === 0 && attempts.length > 0 : told > 0,
      wonPartly: won.length > 0 && won.length < known.length,
      listedPartly: [...attempts, told ?? 0].some((count) => count > 0 && count < known.length),
    };
  }

  /** Of each entry that lists something of them, how much of them it does. */
  #attemptsListing(changes: readonly Change[]): number[] {
    const counts = new Map<string, number>();
    for (const { key, value } of changes) {
      if (value === undefined) continue;
      for (const entry of this.#listedValues.get(nameOf(key, value)) ?? [])
        counts.set(entry, (counts.get(entry) ?? 0) + 1);
    }
    return [...counts.values()];
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
}

/** Of each change; undefined: they were not told. */
function revisionsOf(changes: readonly Change[], outcome: BookedWrite['outcome']): number[] | undefined {
  const last = outcome.kind === 'acknowledged' ? outcome.revision : undefined;
  return last === undefined ? undefined : changes.map((_, place) => last - (changes.length - 1 - place));
}

function nameOf(key: string, value: string | undefined): string {
  return JSON.stringify([key, value ?? null]);
}

function violation(write: BookedWrite, what: string): SafetyViolation {
  return new SafetyViolation(NAME, `${describeWrite(write)}: ${what}`);
}
