import { areAlike, type ClockRates } from '../cluster/clock-rates.ts';
import type { BookedHolding } from '../workload/call-book.ts';
import { guardedKey, heldKey, LOCKS, LOCKS_NAMESPACE, storedAs } from '../workload/keys.ts';
import { SafetyViolation } from './safety-violation.ts';
import type { WinningLog } from './winning-log.ts';

const NAME = 'held locks';

/** In the log: from the revision that took it to before the one that let it go. */
interface Tenure {
  readonly record: string;
  readonly from: number;
  until: number;
}

/**
 * A lock is held by one at a time (G20). By the log: nobody takes what another's record is in, each who was told a token has a
 * tenure of its own around it, and all that was written under a lock lies within that. By the clock of the world, where those of
 * machines run at about the same pace: a holder was told that it had lost it before another was told that it had it.
 */
export function checkHeldLocks(holdings: readonly BookedHolding[], log: WinningLog, rates: ClockRates): void {
  for (const lock of LOCKS) {
    const ofLock = holdings.filter((holding) => holding.lock === lock);
    const tenures = tenuresOf(lock, log);
    checkTokens(ofLock, tenures);
    checkWrites(lock, ofLock, tenures, log);
    if (areAlike(rates)) checkTimes(ofLock);
  }
}

function tenuresOf(lock: string, log: WinningLog): Tenure[] {
  const tenures: Tenure[] = [];
  let current: Tenure | undefined;
  for (const { value: record, revision } of log.ofKey(heldKey(lock))) {
    if (record === undefined) {
      if (current !== undefined) current.until = revision;
      current = undefined;
    } else if (current === undefined) {
      current = { record, from: revision, until: Number.POSITIVE_INFINITY };
      tenures.push(current);
    } else if (current.record !== record)
      throw new SafetyViolation(
        NAME,
        `${lock} is taken at ${revision} from who has held it since ${current.from}`,
      );
  }
  return tenures;
}

function tenureAt(revision: number, tenures: readonly Tenure[]): Tenure | undefined {
  return tenures.find(({ from, until }) => from <= revision && revision < until);
}

function checkTokens(holdings: readonly BookedHolding[], tenures: readonly Tenure[]): void {
  const holders = new Map<Tenure, BookedHolding>();
  for (const holding of holdings) {
    const { client, lock, token } = holding;
    const tenure = tenureAt(token, tenures);
    if (tenure === undefined)
      throw new SafetyViolation(NAME, `${client} was told that it has ${lock} at ${token}: nobody had`);
    const other = holders.get(tenure);
    if (other !== undefined)
      throw new SafetyViolation(NAME, `${client} and ${other.client} were both told that they have ${lock}`);
    holders.set(tenure, holding);
  }
}

function checkWrites(
  lock: string,
  holdings: readonly BookedHolding[],
  tenures: readonly Tenure[],
  log: WinningLog,
): void {
  const guarded = storedAs(LOCKS_NAMESPACE, guardedKey(lock));
  for (const { value = '', revision } of log.ofKey(guarded)) {
    const tenure = tenureAt(Number.parseInt(value, 10), tenures);
    if (tenure === undefined || tenureAt(revision, tenures) !== tenure)
      throw new SafetyViolation(
        NAME,
        `${guardedKey(lock)}=${value} is written at ${revision}, without ${lock}`,
      );
  }
  for (const { client, writes } of holdings)
    for (const revision of writes)
      if (log.at(revision)?.key !== guarded)
        throw new SafetyViolation(
          NAME,
          `${client} was told of a write under ${lock} at ${revision}: it is lost`,
        );
}

function checkTimes(holdings: readonly BookedHolding[]): void {
  const inOrder = holdings.toSorted((one, other) => one.token - other.token);
  for (const [place, { client, lock, takenAt }] of inOrder.entries()) {
    const before = inOrder[place - 1];
    if (before === undefined || (before.endedAt ?? Number.POSITIVE_INFINITY) <= takenAt) continue;
    throw new SafetyViolation(
      NAME,
      `${client} was told at ${takenAt} that it has ${lock}; ${before.client} thought so until ${before.endedAt}`,
    );
  }
}
