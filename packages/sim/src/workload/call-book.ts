import type { Ack, Consistency, Outcome } from '@holdfast/types';
import type { BookedWatch } from './watch-book.ts';

/** What a client knows of a write. */
export type WriteOutcome =
  | { readonly kind: 'open' }
  /** `revision`: of its last mutation; undefined where the API does not tell. */
  | { readonly kind: 'acknowledged'; readonly ack: Ack; readonly revision: number | undefined }
  | { readonly kind: 'notApplied' }
  /** Its condition did not hold, says the log. An earlier attempt may have been logged where it was lost. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' };

/** Values are used once in a run, so that one that is found names the write that it came from. */
export interface BookedWrite {
  readonly client: string;
  readonly changes: readonly { readonly key: string; readonly value: string | undefined }[];
  /** The one key's revision that it demands; 0: absent. */
  readonly ifRevision?: number | undefined;
  outcome: WriteOutcome;
}

/** A step of a counter. */
export interface BookedIncrement {
  readonly client: string;
  readonly key: string;
  readonly by: number;
  outcome:
    | { readonly kind: 'open' | 'notApplied' | 'unknown' }
    | { readonly kind: 'acknowledged'; readonly value: number; readonly revision: number };
}

/** Another time to live that a key was given. */
export interface BookedRenewal {
  readonly client: string;
  readonly key: string;
  readonly revision: number;
}

/** An answered read of some keys or of a range, at one moment. */
export interface BookedRead {
  readonly client: string;
  readonly consistency: Consistency;
  /** Everything it could have found; undefined: absent. */
  readonly found: ReadonlyMap<string, string | undefined>;
  /** Of the newest write acknowledged at quorum or all, by whomever, before it was asked; 0: none. */
  readonly floor: number;
  /** The same before the time that the age which it stated goes back to. */
  readonly agedFloor?: number;
}

/** A `clear` of some keys. */
export interface BookedClear {
  readonly client: string;
  readonly keys: readonly string[];
  /** As that of a read. */
  readonly floor: number;
  /** The token of the client when it was answered: nothing that the clear deleted, or left alone, is newer. */
  readonly ceiling: number;
}

/** Writes acknowledged `local`, by revision, that a client was told a failover has lost. */
export interface ToldLoss {
  readonly client: string;
  readonly revisions: readonly number[];
}

/** A lock that a client had. */
export interface BookedHolding {
  readonly client: string;
  readonly lock: string;
  readonly token: number;
  /** When its client was told so, in the time of the world. */
  readonly takenAt: number;
  /** When it was told that it is lost, or gave it up; undefined: neither. */
  endedAt?: number;
  /** Revisions of what it was told it wrote under it. */
  readonly writes: number[];
}

/** A lease that a client was granted. */
export interface BookedLease {
  readonly client: string;
  /** All that is put with it begins so. */
  readonly name: string;
  /** When its client was told that it is lost, or was about to revoke it, in the time of the world; undefined: neither. */
  endedAt?: number;
  /** It was told that its keys went together, with nothing lost before; undefined: it was told nothing. */
  isRevoked?: boolean;
  readonly puts: { readonly key: string; readonly value: string; outcome: Outcome | 'open' }[];
  /** What it was told the lease has no more, as it asked. */
  readonly left: { readonly kind: 'del' | 'detach'; readonly key: string }[];
  /** Keys that it was told others have written or deleted. */
  readonly detached: string[];
}

/** What one client hands another: whoever reads with the token sees no less. */
export interface HandedToken {
  readonly client: string;
  readonly token: number;
  /** Newest revision of each key that the client had seen, as far as the token vouches for it. */
  readonly floors: ReadonlyMap<string, number>;
}

/** All that clients asked and were told in a run. */
export class CallBook {
  readonly writes: BookedWrite[] = [];
  readonly increments: BookedIncrement[] = [];
  /** Acknowledged ones. */
  readonly renewals: BookedRenewal[] = [];
  readonly reads: BookedRead[] = [];
  /** Those that were answered. */
  readonly clears: BookedClear[] = [];
  readonly losses: ToldLoss[] = [];
  readonly holdings: BookedHolding[] = [];
  readonly leases: BookedLease[] = [];
  /** The newest one of each client. */
  readonly handed: Map<string, HandedToken> = new Map();
  readonly watches: BookedWatch[] = [];
  /** Reads that were content with less than they had asked for. */
  staleReads = 0;
  #floor = 0;
  readonly #floors: { readonly at: number; readonly floor: number }[] = [];
  readonly #now: () => number;

  /** `now`: of the world, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Newest revision acknowledged at quorum or all so far. */
  get floor(): number {
    return this.#floor;
  }

  /** As it was just before then. */
  floorBefore(at: number): number {
    return this.#floors.findLast((one) => one.at < at)?.floor ?? 0;
  }

  /** What another client has handed on last. */
  handedTo(client: string): HandedToken | undefined {
    return [...this.handed.values()].filter((one) => one.client !== client).at(-1);
  }

  handOn(token: HandedToken): void {
    // To the end: it is the newest now.
    this.handed.delete(token.client);
    this.handed.set(token.client, token);
  }

  write(write: Omit<BookedWrite, 'outcome'>): BookedWrite {
    const booked: BookedWrite = { ...write, outcome: { kind: 'open' } };
    this.writes.push(booked);
    return booked;
  }

  increment(increment: Omit<BookedIncrement, 'outcome'>): BookedIncrement {
    const booked: BookedIncrement = { ...increment, outcome: { kind: 'open' } };
    this.increments.push(booked);
    return booked;
  }

  watch(watch: Omit<BookedWatch, 'sections'>): BookedWatch {
    const booked: BookedWatch = { ...watch, sections: [] };
    this.watches.push(booked);
    return booked;
  }

  settleWrite(write: BookedWrite, outcome: WriteOutcome): void {
    write.outcome = outcome;
    if (outcome.kind === 'acknowledged' && outcome.ack !== 'local') this.#raise(outcome.revision ?? 0);
  }

  /** It is acknowledged. */
  renewed(renewal: BookedRenewal): void {
    this.renewals.push(renewal);
    this.#raise(renewal.revision);
  }

  settleIncrement(increment: BookedIncrement, outcome: BookedIncrement['outcome']): void {
    increment.outcome = outcome;
    if (outcome.kind === 'acknowledged') this.#raise(outcome.revision);
  }

  #raise(revision: number): void {
    if (revision <= this.#floor) return;
    this.#floor = revision;
    this.#floors.push({ at: this.#now(), floor: revision });
  }
}

/** For people. */
export function describeWrite({ client, changes, outcome }: BookedWrite): string {
  const what = changes.map(({ key, value }) => (value === undefined ? `del ${key}` : `${key}=${value}`));
  const revision = outcome.kind === 'acknowledged' ? ` at ${outcome.ack}, revision ${outcome.revision}` : '';
  return `${client}: ${what.join(', ')} (${outcome.kind}${revision})`;
}
