import { type Entry, type Mutation, mutationsOf } from '@holdfast/types';
import { areAlike, type ClockRates } from '../cluster/clock-rates.ts';
import type { BookedLease } from '../workload/call-book.ts';
import { LEASE_ANCHORS, LEASES_NAMESPACE, storedAs } from '../workload/keys.ts';
import { SafetyViolation } from './safety-violation.ts';
import { keyName, type WinningLog } from './winning-log.ts';

const NAME = 'kept leases';

export interface KeptLeasesOptions {
  readonly rates: ClockRates;
  /** When an entry was made, in the time of the world. */
  madeAt(entry: Entry): number;
}

/** A lease by the log, as far as that has been gone through. */
interface LoggedLease {
  readonly anchor: string;
  /** The newest that was carried out. */
  attempt: number;
  /** Those that nobody else has written since. */
  readonly keys: Set<string>;
  /** Known by what is put with it. */
  booked?: BookedLease;
  end?: 'revoked' | 'expired';
  /** How often it has let go of a key as it was asked, and how often others took one: by what was done, and the key. */
  readonly gone: Map<string, number>;
}

/**
 * A lease has the keys that nobody else has written since it put them (G21). By the log: each renewal and each revocation
 * has all of them and none of another's, and attempts are carried out in order, so that one of unknown outcome never is once
 * a later one was. What clients were told of puts, of keys that went, and of the end is so. By the clock of the world, where
 * those of machines run at about the same pace: a client was told that a lease is lost before any of its keys expired.
 */
export function checkKeptLeases(
  leases: readonly BookedLease[],
  log: WinningLog,
  options: KeptLeasesOptions,
): void {
  const story = new LeaseStory(leases, options);
  for (const entry of log.entries) story.tell(entry);
  story.checkAnswers();
}

class LeaseStory {
  readonly #booked: ReadonlyMap<string, BookedLease>;
  readonly #options: KeptLeasesOptions;
  readonly #byAnchor = new Map<string, LoggedLease>();
  readonly #owners = new Map<string, LoggedLease>();
  readonly #values = new Map<string, string>();
  /** All that was ever put with a lease. */
  readonly #puts = new Set<string>();

  constructor(leases: readonly BookedLease[], options: KeptLeasesOptions) {
    this.#booked = new Map(leases.map((lease) => [lease.name, lease]));
    this.#options = options;
  }

  tell(entry: Entry): void {
    if (entry.body.kind !== 'requests') return;
    for (const request of entry.body.requests) {
      const [first, ...others] = mutationsOf(request);
      if (first === undefined) continue;
      if (request.kind === 'expire')
        for (const { key } of [first, ...others]) this.#expires(keyName(key), entry);
      else if (keyName(first.key).startsWith(LEASE_ANCHORS)) this.#attempt(first, others);
      else for (const { key } of [first, ...others]) this.#taken(keyName(key));
    }
  }

  /** When all is told. */
  checkAnswers(): void {
    for (const { client, puts } of this.#booked.values())
      for (const { key, value, outcome } of puts) {
        const isPut = this.#puts.has(`${storedAs(LEASES_NAMESPACE, key)}=${value}`);
        if (outcome === 'applied' && !isPut)
          fail(`${client} was told that ${key}=${value} is put: it is lost`);
        if (outcome === 'not-applied' && isPut) fail(`${client} was told that ${key}=${value} is not put`);
      }
    for (const { booked, end, gone } of this.#byAnchor.values()) {
      if (booked === undefined) continue;
      const { name, isRevoked, left, detached } = booked;
      if (isRevoked === true && end !== 'revoked') fail(`${name} was told to be revoked: it is not`);
      const told = [...left, ...detached.map((key) => ({ kind: 'taken', key }))];
      for (const [what, times] of countsOf(told))
        if (times > (gone.get(what) ?? 0))
          fail(`${name} was told of ${what} ${times} times: not so often was it`);
    }
  }

  #attempt(first: Mutation, others: readonly Mutation[]): void {
    const lease = this.#leaseOf(keyName(first.key));
    if (lease.end !== undefined) fail(`${nameOf(lease)} is ${lease.end}, and changed then`);
    if (first.kind === 'del') this.#revoke(lease, others);
    else {
      const attempt = attemptIn(first.value);
      if (attempt <= lease.attempt) fail(`${nameOf(lease)}: attempt ${attempt} comes after ${lease.attempt}`);
      lease.attempt = attempt;
      this.#change(lease, others);
    }
  }

  #revoke(lease: LoggedLease, deleted: readonly Mutation[]): void {
    checkAll(lease, deleted, 'revoked');
    for (const { key } of deleted) this.#letGo(keyName(key));
    lease.end = 'revoked';
  }

  /** One put, one key left, or all renewed. */
  #change(lease: LoggedLease, changes: readonly Mutation[]): void {
    const [one] = changes;
    if (one === undefined) return;
    const key = keyName(one.key);
    if (one.kind === 'put' && one.expiresAt !== undefined) {
      if (this.#values.get(key) !== textOf(one.value)) this.#put(lease, key, textOf(one.value));
      else checkAll(lease, changes, 'renewed');
      return;
    }
    if (!lease.keys.has(key)) fail(`${nameOf(lease)} lets go of ${ownName(key)}, which is not its own`);
    count(lease.gone, `${one.kind === 'del' ? 'del' : 'detach'} ${ownName(key)}`);
    this.#letGo(key);
  }

  #put(lease: LoggedLease, key: string, value: string): void {
    const booked = this.#booked.get(value.split(' ')[0]!);
    if (booked === undefined || (lease.booked ?? booked) !== booked)
      fail(`${nameOf(lease)} puts ${ownName(key)}=${value}, which nobody asked of it`);
    if (this.#owners.get(key) !== lease) this.#taken(key);
    lease.booked = booked;
    lease.keys.add(key);
    this.#owners.set(key, lease);
    this.#values.set(key, value);
    this.#puts.add(`${key}=${value}`);
  }

  /** By who writes it. */
  #taken(key: string): void {
    const owner = this.#owners.get(key);
    if (owner !== undefined) count(owner.gone, `taken ${ownName(key)}`);
    this.#letGo(key);
  }

  #letGo(key: string): void {
    this.#owners.get(key)?.keys.delete(key);
    this.#owners.delete(key);
    this.#values.delete(key);
  }

  #expires(key: string, entry: Entry): void {
    const lease = this.#owners.get(key) ?? this.#byAnchor.get(key);
    if (lease === undefined) return;
    const { rates, madeAt } = this.#options;
    const { booked } = lease;
    const at = madeAt(entry);
    const isTold = booked === undefined || (booked.endedAt ?? Number.POSITIVE_INFINITY) <= at;
    if (!isTold && areAlike(rates))
      fail(
        `${key} expired at ${at}; ${booked.client} thought that it has ${booked.name} until ${booked.endedAt}`,
      );
    if (key === lease.anchor) lease.end = 'expired';
    else this.#taken(key);
  }

  #leaseOf(anchor: string): LoggedLease {
    const known = this.#byAnchor.get(anchor);
    if (known !== undefined) return known;
    const lease: LoggedLease = { anchor, attempt: 0, keys: new Set(), gone: new Map() };
    this.#byAnchor.set(anchor, lease);
    return lease;
  }
}

/** What is done to all keys of a lease is done to all of them, and to none that is not its own. */
function checkAll(lease: LoggedLease, changes: readonly Mutation[], done: string): void {
  const keys = new Set(changes.map(({ key }) => keyName(key)));
  for (const key of keys)
    if (!lease.keys.has(key)) fail(`${ownName(key)} is ${done} with ${nameOf(lease)}, which is not its own`);
  for (const key of lease.keys)
    if (!keys.has(key)) fail(`${ownName(key)} is not ${done} with ${nameOf(lease)}`);
}

function fail(words: string): never {
  throw new SafetyViolation(NAME, words);
}

function nameOf({ booked, anchor }: LoggedLease): string {
  return booked?.name ?? anchor.slice(LEASE_ANCHORS.length);
}

function ownName(key: string): string {
  return key.slice(storedAs(LEASES_NAMESPACE, '').length);
}

function attemptIn(record: Uint8Array): number {
  return (JSON.parse(textOf(record)) as { readonly value: number }).value;
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString();
}

function countsOf(told: readonly { readonly kind: string; readonly key: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { kind, key } of told) count(counts, `${kind} ${key}`);
  return counts;
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
