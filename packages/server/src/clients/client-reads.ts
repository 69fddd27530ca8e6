import { type ProposedRead, type ServedRead, timeLeft } from '@holdfast/core';
import type { Store } from '@holdfast/store';
import {
  assertNever,
  type ClientMessage,
  type Clock,
  type Consistency,
  HoldfastError,
  LIMITS,
  type ReadAnswer,
  type ReadItem,
  type ReadRequest,
  type Revision,
  type StoredRecord,
  TransientMap,
  type WireError,
} from '@holdfast/types';
import { readProblem } from '@holdfast/wire';
import type { ClientConnection } from './client-connection.ts';
import type { ClientDatabase, ClientMetrics } from './client-database.ts';
import { tooMany } from './client-writes.ts';
import { ageOf } from './connection-snapshots.ts';
import { overloaded, toWireError, wireError } from './wire-error.ts';

/** After that a client may ask again. */
const BUSY_RETRY_MS = 20;

export interface ClientReadsOptions {
  readonly clock: Clock;
  readonly metrics: ClientMetrics;
  readonly pendingReadsMax: number;
}

type ScanOpenMessage = Extract<ClientMessage, { kind: 'scanOpen' }>;
type SnapshotOpenMessage = Extract<ClientMessage, { kind: 'snapshotOpen' }>;
type ScanNextMessage = Extract<ClientMessage, { kind: 'scanNext' }>;
type WatchOpenMessage = Extract<ClientMessage, { kind: 'watchOpen' }>;
type SnapshotReadMessage = Extract<ClientMessage, { kind: 'snapshotRead' }>;

/** A read that the core has not let through yet. */
type PendingRead = WaitingRead & {
  /** Monotonic, ms. */
  readonly since: number;
};

type WaitingRead = {
  readonly client: ClientConnection;
  readonly consistency: Consistency;
} & (
  | { readonly kind: 'keys'; readonly id: number; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'range'; readonly scan: ScanOpenMessage; readonly deadline: number }
  | { readonly kind: 'snapshot'; readonly id: number }
  | { readonly kind: 'watch'; readonly id: number; readonly watch: WatchOpenMessage }
);

/** What is read from, and its log time, for what is left of times to live. */
interface ServedState {
  readonly store: Store;
  readonly logTime: number;
}

/** Reads of clients: the core says when, the store what. */
export class ClientReads {
  readonly #options: ClientReadsOptions;
  /** By this node's own number for them. */
  readonly #pending = new TransientMap<number, PendingRead>();
  #lastNumber = 0;
  #refused = 0;
  #watchesRefused = 0;

  constructor(options: ClientReadsOptions) {
    this.#options = options;
  }

  /** Reads that the core has not let through yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Reads refused because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  /** Watches refused because there were too many. */
  get watchesRefused(): number {
    return this.#watchesRefused;
  }

  read(client: ClientConnection, database: ClientDatabase, requests: readonly ReadRequest[]): void {
    const now = this.#options.clock.now();
    const reads: ProposedRead[] = [];
    for (const request of requests) {
      const error = this.#busyProblem(client) ?? problemOf(request);
      if (error !== undefined) {
        this.#count(error);
        client.replyToRead({ id: request.id, error }, 0);
        continue;
      }
      const { consistency, keys, token, maxStalenessMs } = request;
      const id = this.#register(client, {
        kind: 'keys',
        client,
        consistency,
        since: now,
        id: request.id,
        keys,
      });
      const deadline = now + request.remainingMs;
      reads.push({ id, consistency, deadline, keys, token, ...bounded(maxStalenessMs) });
    }
    if (reads.length > 0) database.input({ kind: 'read', reads });
  }

  openScan(client: ClientConnection, database: ClientDatabase, message: ScanOpenMessage): void {
    const error = this.#busyProblem(client) ?? client.scans.reserve(message.id);
    if (error !== undefined) {
      client.send({ kind: 'failed', id: message.id, error });
    } else if (message.snapshot !== undefined) {
      this.#openScanOf(client, message.snapshot, message);
    } else {
      const { consistency } = message;
      const deadline = this.#options.clock.now() + message.remainingMs;
      this.#propose(database, message, { kind: 'range', client, consistency, scan: message, deadline });
    }
  }

  nextPage(client: ClientConnection, { remainingMs, ...page }: ScanNextMessage): void {
    client.scans.next({ ...page, deadline: this.#options.clock.now() + remainingMs });
  }

  closeScan(client: ClientConnection, scan: number): void {
    client.scans.close(scan);
    for (const id of client.reads) {
      const pending = this.#pending.get(id);
      if (pending?.kind === 'range' && pending.scan.id === scan) this.#cancel(client, id);
    }
  }

  openSnapshot(client: ClientConnection, database: ClientDatabase, message: SnapshotOpenMessage): void {
    const { id, consistency } = message;
    const error = this.#busyProblem(client) ?? client.snapshots.reserve(id);
    if (error !== undefined) {
      this.#count(error);
      client.send({ kind: 'failed', id, error });
    } else this.#propose(database, message, { kind: 'snapshot', client, consistency, id });
  }

  /** The state was let through when the snapshot was taken: nobody else is to be asked. */
  readSnapshot(client: ClientConnection, { id, snapshot, keys }: SnapshotReadMessage): void {
    const held = client.snapshots.use(snapshot);
    const error = busyProblem(client) ?? problemOf({ keys }) ?? (client.isBackedUp ? backedUp() : undefined);
    if (held === undefined || error !== undefined) {
      client.replyToRead({ id, error: error ?? snapshotLost(snapshot) }, 0);
      return;
    }
    const { view, logTime } = held;
    const stalenessMs = ageOf(held, this.#options.clock.now());
    try {
      const items = view.get(keys, LIMITS.requestBytesMax).map((record) => itemOf(record, logTime));
      reply(client, id, { items, revision: view.revision, stalenessMs }, bytesOf(items, keys));
    } catch (failure) {
      client.replyToRead({ id, error: wireErrorOf(failure) }, 0);
    }
  }

  closeSnapshot(client: ClientConnection, snapshot: number): void {
    client.snapshots.close(snapshot);
    for (const id of client.reads) {
      const pending = this.#pending.get(id);
      if (pending?.kind === 'snapshot' && pending.id === snapshot) this.#cancel(client, id);
    }
  }

  /** Asks the core as for a read of everything: whether the position survived, and is applied here. */
  openWatch(client: ClientConnection, database: ClientDatabase, message: WatchOpenMessage): void {
    const { id, consistency } = message;
    const error = this.#busyProblem(client) ?? client.watches.reserve(id);
    if (error !== undefined) {
      this.#countWatch(error);
      client.send({ kind: 'failed', id, error });
    } else this.#propose(database, message, { kind: 'watch', client, consistency, id, watch: message });
  }

  closeWatch(client: ClientConnection, watch: number): void {
    client.watches.close(watch);
    for (const id of client.reads) {
      const pending = this.#pending.get(id);
      if (pending?.kind === 'watch' && pending.id === watch) this.#cancel(client, id);
    }
  }

  /** Effect of the core: these may be read now, from this store. */
  serve(reads: readonly ServedRead[], store: Store, logTime: number): void {
    for (const read of reads) {
      const pending = this.#take(read.id);
      if (pending === undefined) continue;
      // One refused here, since its client is backed up, took no time, and would make reads look fast.
      if (this.#serve(pending, read, { store, logTime }))
        this.#options.metrics.read(pending.consistency, this.#options.clock.now() - pending.since);
    }
  }

  refuse(reads: readonly { readonly id: number; readonly error: WireError }[]): void {
    for (const { id, error } of reads) {
      const pending = this.#take(id);
      if (pending !== undefined) this.#refuse(pending, error);
    }
  }

  /** The client is gone: nobody waits for its reads. */
  forget(client: ClientConnection): void {
    for (const id of client.reads) this.#cancel(client, id);
  }

  /** False: it was refused. */
  #serve(pending: PendingRead, read: ServedRead, state: ServedState): boolean {
    try {
      switch (pending.kind) {
        case 'keys':
          return this.#serveKeys(pending, read, state);
        case 'range':
          this.#serveRange(pending, read, state);
          return true;
        case 'snapshot':
          this.#serveSnapshot(pending, read, state);
          return true;
        case 'watch':
          beginWatch(pending);
          return true;
        default:
          return assertNever(pending);
      }
    } catch (error) {
      this.#refuse(pending, wireErrorOf(error));
      return false;
    }
  }

  #refuse(pending: PendingRead, error: WireError): void {
    const { client } = pending;
    if (pending.kind === 'watch') this.#countWatch(error);
    else this.#count(error);
    switch (pending.kind) {
      case 'keys':
        client.replyToRead({ id: pending.id, error }, 0);
        return;
      case 'range':
        client.scans.refuse(pending.scan.id);
        client.send({ kind: 'failed', id: pending.scan.id, error });
        return;
      case 'snapshot':
        client.snapshots.close(pending.id);
        client.send({ kind: 'failed', id: pending.id, error });
        return;
      case 'watch':
        client.watches.close(pending.id);
        client.send({ kind: 'failed', id: pending.id, error });
        return;
      default:
        assertNever(pending);
    }
  }

  #serveKeys(pending: Extract<PendingRead, { kind: 'keys' }>, read: ServedRead, state: ServedState): boolean {
    const { client, id, keys } = pending;
    if (client.isBackedUp) {
      this.#refuse(pending, backedUp());
      return false;
    }
    const { items, revision, bytes } = readItems(keys, read, state);
    reply(client, id, { items, revision, stalenessMs: read.stalenessMs }, bytes);
    return true;
  }

  #serveRange(
    pending: Extract<PendingRead, { kind: 'range' }>,
    read: ServedRead,
    { store }: ServedState,
  ): void {
    const { client, scan, deadline } = pending;
    const reading = store.scan(scan.range);
    const revision = Math.max(reading.revision, read.revision) as Revision;
    const { pageSize } = scan;
    const { stalenessMs } = read;
    client.scans.begin(scan.id, { scan: reading, revision, stalenessMs }, { pageSize, deadline });
  }

  #serveSnapshot(
    { client, id }: Extract<PendingRead, { kind: 'snapshot' }>,
    { stalenessMs }: ServedRead,
    { store, logTime }: ServedState,
  ): void {
    const view = store.view();
    const takenAt = this.#options.clock.now();
    if (client.snapshots.begin(id, { view, stalenessMs, takenAt, logTime }))
      client.send({ kind: 'snapshotOpened', id, revision: view.revision, stalenessMs });
  }

  #openScanOf(
    client: ClientConnection,
    snapshot: number,
    { id, range, pageSize, remainingMs }: ScanOpenMessage,
  ): void {
    const held = client.snapshots.use(snapshot);
    try {
      if (held === undefined) throw new HoldfastError('HOLDFAST_SNAPSHOT_LOST', lostReason(snapshot));
      const { view } = held;
      const now = this.#options.clock.now();
      const stalenessMs = ageOf(held, now);
      const deadline = now + remainingMs;
      const reading = { scan: view.scan(range), revision: view.revision, stalenessMs };
      client.scans.begin(id, reading, { pageSize, deadline });
    } catch (failure) {
      client.scans.refuse(id);
      client.send({ kind: 'failed', id, error: wireErrorOf(failure) });
    }
  }

  /** Asks the core when a whole state of that kind may be read. */
  #propose(
    database: ClientDatabase,
    {
      consistency,
      remainingMs,
      token,
      maxStalenessMs,
    }: ScanOpenMessage | SnapshotOpenMessage | WatchOpenMessage,
    pending: WaitingRead,
  ): void {
    const now = this.#options.clock.now();
    const id = this.#register(pending.client, { ...pending, since: now });
    const deadline = now + remainingMs;
    const read = { id, consistency, deadline, keys: undefined, token, ...bounded(maxStalenessMs) };
    database.input({ kind: 'read', reads: [read] });
  }

  /**
   * Those that the core has let through count as long as they wait for a store that is being opened again: the core knows
   * nothing of them any more.
   */
  #busyProblem(client: ClientConnection): WireError | undefined {
    if (this.#pending.size < this.#options.pendingReadsMax) return busyProblem(client);
    return overloaded('too many reads are pending', BUSY_RETRY_MS);
  }

  #count({ code }: WireError): void {
    if (code === 'HOLDFAST_OVERLOADED') this.#refused += 1;
  }

  #countWatch({ code }: WireError): void {
    if (code === 'HOLDFAST_OVERLOADED') this.#watchesRefused += 1;
  }

  #register(client: ClientConnection, pending: PendingRead): number {
    this.#lastNumber += 1;
    this.#pending.set(this.#lastNumber, pending);
    client.reads.add(this.#lastNumber);
    return this.#lastNumber;
  }

  #take(id: number): PendingRead | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.client.reads.delete(id);
    return pending;
  }

  #cancel(client: ClientConnection, id: number): void {
    this.#take(id);
    client.database?.input({ kind: 'cancelRead', id });
  }
}

/** From here on it is told by the feed of its database. */
function beginWatch({ client, id, watch }: Extract<PendingRead, { kind: 'watch' }>): void {
  const { feed } = client.database!;
  const opened = feed.open(watch, {
    get hasRoom() {
      return client.hasWatchRoom;
    },
    onOpened: (revision) => client.send({ kind: 'watchOpened', id, revision }),
    onEvents: (events, bytes) => client.sendLong({ kind: 'watchEvents', id, ...events }, bytes),
    onEnded: (error) => {
      client.watches.close(id);
      client.send({ kind: 'failed', id, error: toWireError(error) });
    },
  });
  client.watches.begin(id, opened);
}

/**
 * What the overlay has comes first: it is newer than the store. All keys in one look, so that no batch comes
 * between two of them (G7); it ends early when the answer grows too long.
 */
function readItems(
  keys: readonly Uint8Array[],
  read: ServedRead,
  { store, logTime }: ServedState,
): { items: (ReadItem | undefined)[]; revision: Revision; bytes: number } {
  const { records, revision } = store.get(keys, LIMITS.requestBytesMax);
  const items: (ReadItem | undefined)[] = [];
  let bytes = 0;
  for (let place = 0; place < records.length; place += 1) {
    const newer = read.overlay?.[place];
    const item = newer === undefined ? records[place] : (newer ?? undefined);
    items.push(itemOf(item, logTime));
    bytes += item?.value.byteLength ?? 0;
  }
  // Values that the overlay took the place of count too, where they ended the look.
  if (records.length < keys.length) bytes = Math.max(bytes, LIMITS.requestBytesMax + 1);
  return { items, revision: Math.max(revision, read.revision) as Revision, bytes };
}

function itemOf(record: StoredRecord | undefined, logTime: number): ReadItem | undefined {
  if (record?.expiresAt === undefined) return record;
  const { value, revision, expiresAt } = record;
  return { value, revision, ttlMs: timeLeft(expiresAt, logTime) };
}

function reply(client: ClientConnection, id: number, answer: ReadAnswer, bytes: number): void {
  if (bytes <= LIMITS.requestBytesMax) {
    client.replyToRead({ id, answer }, bytes);
    return;
  }
  const message = `the answer is longer than ${LIMITS.requestBytesMax} bytes: ask for fewer keys at once`;
  client.replyToRead({ id, error: wireError('HOLDFAST_REQUEST_TOO_LARGE', message) }, 0);
}

/** Values found for the keys; over the limit of an answer where they were cut short. */
function bytesOf(items: readonly (ReadItem | undefined)[], keys: readonly Uint8Array[]): number {
  if (items.length < keys.length) return LIMITS.requestBytesMax + 1;
  let bytes = 0;
  for (const item of items) bytes += item?.value.byteLength ?? 0;
  return bytes;
}

/** A store that cannot be read now says so; what that means for the node it says elsewhere. */
function wireErrorOf(error: unknown): WireError {
  if (!(error instanceof HoldfastError)) throw error;
  return toWireError(error);
}

function problemOf(request: Pick<ReadRequest, 'keys'>): WireError | undefined {
  const problem = readProblem(request);
  return problem === undefined ? undefined : wireError(problem.code, problem.message);
}

function busyProblem(client: ClientConnection): WireError | undefined {
  return client.outstanding >= LIMITS.clientOutstandingRequestsMax ? tooMany() : undefined;
}

function backedUp(): WireError {
  return overloaded('answers pile up: the client asks faster than it reads');
}

function snapshotLost(snapshot: number): WireError {
  return wireError('HOLDFAST_SNAPSHOT_LOST', lostReason(snapshot));
}

function lostReason(snapshot: number): string {
  return `snapshot ${snapshot} is not open: it was idle for too long, or never was`;
}

function bounded(maxStalenessMs: number | undefined): { readonly maxStalenessMs?: number } {
  return maxStalenessMs === undefined ? {} : { maxStalenessMs };
}
