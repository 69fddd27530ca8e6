import type { Effect } from '@holdfast/core';
import { type Entry, mutationsOf } from '@holdfast/types';
import type { ClockRates } from '../cluster/clock-rates.ts';
import type { BookedRenewal } from '../workload/call-book.ts';
import { SafetyViolation } from './safety-violation.ts';
import { keyName, type WinningLog } from './winning-log.ts';

const NAME = 'times to live';
/** Log time that a key may be overdue once the cluster has been at peace for long. */
const LATE_MS_MAX = 5000;

interface Said {
  readonly expiresAt: number;
  readonly logTime: number;
  /** When the entry was made, in the time of the world. */
  readonly madeAt: number;
}

/**
 * Nothing expires early (G19): a key that was deleted because its time had come had lived for so long, by the time of
 * the world (and at the pace of the fastest clock), whoever was primary meanwhile and whatever their clocks did; and it had not been written or renewed since.
 */
export class TimesToLive {
  readonly #rates: ClockRates;
  /** By position: when an entry was first seen, which is when its primary made it. */
  readonly #madeAt = new Map<string, number>();

  constructor(rates: ClockRates) {
    this.#rates = rates;
  }

  onEffect(effect: Effect, now: number): void {
    if (effect.kind !== 'persist' || effect.order.record.kind !== 'entries') return;
    for (const entry of effect.order.record.entries) {
      const name = nameOf(entry);
      if (!this.#madeAt.has(name)) this.#madeAt.set(name, now);
    }
  }

  /** In the time of the world. */
  madeAt(entry: Entry): number {
    return this.#madeAt.get(nameOf(entry)) ?? 0;
  }

  /** Of the log that won, in the end. */
  check(log: WinningLog, renewals: readonly BookedRenewal[]): void {
    const said = new Map<string, Said>();
    for (const entry of log.entries) this.#checkEntry(entry, said);
    const newest = log.entries.at(-1)?.logTime ?? 0;
    for (const [key, { expiresAt }] of said)
      if (newest - expiresAt > LATE_MS_MAX)
        throw new SafetyViolation(NAME, `${key} is still there, ${newest - expiresAt} ms after its time`);
    for (const { client, key, revision } of renewals) {
      const found = log.at(revision);
      if (found?.key !== key || !found.isRenewal)
        throw new SafetyViolation(
          NAME,
          `${client} was told that ${key} is renewed at ${revision}: it is lost`,
        );
    }
  }

  #checkEntry(entry: Entry, said: Map<string, Said>): void {
    if (entry.body.kind !== 'requests') return;
    const { index, logTime } = entry;
    const madeAt = this.madeAt(entry);
    for (const request of entry.body.requests) {
      if (request.kind === 'expire') {
        for (const { key, expiresAt, isDeleted } of request.due) {
          const name = keyName(key);
          const newest = said.get(name);
          if (isDeleted !== (newest?.expiresAt === expiresAt))
            throw new SafetyViolation(
              NAME,
              `${name} is ${isDeleted ? 'deleted' : 'left'} at ${index} for ${expiresAt}: it had ${newest?.expiresAt}`,
            );
          if (newest !== undefined && isDeleted) this.#checkLife(name, newest, { index, logTime, madeAt });
        }
      }
      for (const mutation of mutationsOf(request)) {
        const name = keyName(mutation.key);
        if (mutation.kind === 'del' || mutation.expiresAt === undefined) said.delete(name);
        else said.set(name, { expiresAt: mutation.expiresAt, logTime, madeAt });
      }
    }
  }

  #checkLife(
    key: string,
    { expiresAt, logTime, madeAt }: Said,
    end: { readonly index: number; readonly logTime: number; readonly madeAt: number },
  ): void {
    if (end.logTime < expiresAt)
      throw new SafetyViolation(NAME, `${key} is deleted at ${end.index}, at ${end.logTime} of ${expiresAt}`);
    const lived = end.madeAt - madeAt;
    // A millisecond more than was asked is added, for the one in which the entry was made.
    const due = (expiresAt - 1 - logTime) / this.#rates.fastest;
    if (lived < due)
      throw new SafetyViolation(NAME, `${key} is deleted at ${end.index}, after ${lived} ms of ${due}`);
  }
}

function nameOf({ index, term }: Entry): string {
  return `${index}@${term}`;
}
