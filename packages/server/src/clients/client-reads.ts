import type { ProposedRead, ServedRead } from '@holdfast/core';
import type { Store } from '@holdfast/store';
import {
  type ClientMessage,
  type Clock,
  type Consistency,
  HoldfastError,
  LIMITS,
  type ReadItem,
  type ReadRequest,
  type Revision,
  TransientMap,
  type WireError,
} from '@holdfast/types';
import { readProblem } from '@holdfast/wire';
import type { DatabaseDriver } from '../driver/database-driver.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { ClientConnection } from './client-connection.ts';
import { tooMany } from './client-writes.ts';
import { toWireError, wireError } from './wire-error.ts';

export interface ClientReadsOptions {
  readonly clock: Clock;
  readonly metrics: NodeMetrics;
}

type ScanOpenMessage = Extract<ClientMessage, { kind: 'scanOpen' }>;

/** A read that the core has not let through yet. */
type PendingRead = {
  readonly client: ClientConnection;
  readonly consistency: Consistency;
  /** Monotonic, ms. */
  readonly since: number;
} & (
  | { readonly kind: 'keys'; readonly id: number; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'range'; readonly scan: ScanOpenMessage }
);

/** Reads of clients: the core says when, the store what. */
export class ClientReads {
  readonly #options: ClientReadsOptions;
  /** By this node's own number for them. */
  readonly #pending = new TransientMap<number, PendingRead>();
  #lastNumber = 0;

  constructor(options: ClientReadsOptions) {
    this.#options = options;
  }

  read(client: ClientConnection, database: DatabaseDriver, requests: readonly ReadRequest[]): void {
    const now = this.#options.clock.now();
    const reads: ProposedRead[] = [];
    for (const request of requests) {
      const error = problemOf(client, request);
      if (error !== undefined) {
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

  openScan(client: ClientConnection, database: DatabaseDriver, message: ScanOpenMessage): void {
    const error = scanProblem(client, message) ?? client.scans.reserve(message.id);
    if (error !== undefined) {
      client.send({ kind: 'failed', id: message.id, error });
      return;
    }
    const now = this.#options.clock.now();
    const { consistency, token, maxStalenessMs } = message;
    const id = this.#register(client, { kind: 'range', client, consistency, since: now, scan: message });
    const deadline = now + message.remainingMs;
    const read = { id, consistency, deadline, keys: undefined, token, ...bounded(maxStalenessMs) };
    database.input({ kind: 'read', reads: [read] });
  }

  closeScan(client: ClientConnection, scan: number): void {
    client.scans.close(scan);
    for (const id of client.reads) {
      const pending = this.#pending.get(id);
      if (pending?.kind === 'range' && pending.scan.id === scan) this.#cancel(client, id);
    }
  }

  /** Effect of the core: these may be read now, from this store. */
  serve(reads: readonly ServedRead[], store: Store): void {
    for (const read of reads) {
      const pending = this.#take(read.id);
      if (pending === undefined) continue;
      this.#serve(pending, read, store);
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

  #serve(pending: PendingRead, read: ServedRead, store: Store): void {
    try {
      if (pending.kind === 'keys') this.#serveKeys(pending, read, store);
      else this.#serveRange(pending, read, store);
    } catch (error) {
      // A store that cannot be read now says so; what that means for the node it says elsewhere.
      if (!(error instanceof HoldfastError)) throw error;
      this.#refuse(pending, toWireError(error));
    }
  }

  #refuse(pending: PendingRead, error: WireError): void {
    const { client } = pending;
    this.#options.metrics.error(error.code);
    if (pending.kind === 'keys') {
      client.replyToRead({ id: pending.id, error }, 0);
      return;
    }
    client.scans.refuse(pending.scan.id);
    client.send({ kind: 'failed', id: pending.scan.id, error });
  }

  #serveKeys(pending: Extract<PendingRead, { kind: 'keys' }>, read: ServedRead, store: Store): void {
    const { client, id, keys } = pending;
    if (client.isBackedUp) {
      this.#refuse(
        pending,
        wireError('HOLDFAST_OVERLOADED', 'answers pile up: the client asks faster than it reads'),
      );
      return;
    }
    const { items, revision, bytes } = readItems(keys, read, store);
    if (bytes > LIMITS.requestBytesMax) {
      const message = `the answer is longer than ${LIMITS.requestBytesMax} bytes: ask for fewer keys at once`;
      client.replyToRead({ id, error: wireError('HOLDFAST_REQUEST_TOO_LARGE', message) }, 0);
      return;
    }
    client.replyToRead({ id, answer: { items, revision, stalenessMs: read.stalenessMs } }, bytes);
  }

  #serveRange(pending: Extract<PendingRead, { kind: 'range' }>, read: ServedRead, store: Store): void {
    const { client, scan } = pending;
    const reading = store.scan(scan.range);
    const revision = Math.max(reading.revision, read.revision) as Revision;
    client.scans.begin(scan.id, { scan: reading, revision, stalenessMs: read.stalenessMs }, scan.pageSize);
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

/**
 * What the overlay has comes first: it is newer than the store. All keys in one look, so that no batch comes
 * between two of them (G7); it ends early when the answer grows too long.
 */
function readItems(
  keys: readonly Uint8Array[],
  read: ServedRead,
  store: Store,
): { items: (ReadItem | undefined)[]; revision: Revision; bytes: number } {
  const { records, revision } = store.get(keys, LIMITS.requestBytesMax);
  const items: (ReadItem | undefined)[] = [];
  let bytes = 0;
  for (let place = 0; place < records.length; place += 1) {
    const newer = read.overlay?.[place];
    const item = newer === undefined ? records[place] : (newer ?? undefined);
    items.push(item);
    bytes += item?.value.byteLength ?? 0;
  }
  // Values that the overlay took the place of count too, where they ended the look.
  if (records.length < keys.length) bytes = Math.max(bytes, LIMITS.requestBytesMax + 1);
  return { items, revision: Math.max(revision, read.revision) as Revision, bytes };
}

function problemOf(client: ClientConnection, request: ReadRequest): WireError | undefined {
  if (client.outstanding >= LIMITS.clientOutstandingRequestsMax) return tooMany();
  const problem = readProblem(request);
  return problem === undefined ? undefined : wireError(problem.code, problem.message);
}

function scanProblem(client: ClientConnection, message: ScanOpenMessage): WireError | undefined {
  if (client.outstanding >= LIMITS.clientOutstandingRequestsMax) return tooMany();
  if (message.snapshot !== undefined) {
    return wireError('HOLDFAST_SNAPSHOT_LOST', `there is no snapshot ${message.snapshot} on this connection`);
  }
  return undefined;
}

function bounded(maxStalenessMs: number | undefined): { readonly maxStalenessMs?: number } {
  return maxStalenessMs === undefined ? {} : { maxStalenessMs };
}
