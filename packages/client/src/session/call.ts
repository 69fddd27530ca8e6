import type {
  Ack,
  ClientMessage,
  Condition,
  Consistency,
  KeyRange,
  NodeId,
  Operation,
  ReadAnswer,
  Revision,
  ServerMessage,
  WireError,
  WriteReceipt,
} from '@holdfast/types';
import { assert, type HoldfastError } from '@holdfast/types';
import type { Timed } from './deadline-wheel.ts';
import type { OpenSession } from './open-session.ts';

/** One life of one connection to one node; never reused. 0 stands for none. */
export type LinkId = number;
export const NO_LINK: LinkId = 0;

/** Whose call it is. */
export interface CallOwner {
  /** The call has been told its end. */
  onCompleted(): void;
}

/** A page of a range read, and where its snapshot lives. */
export interface Page {
  readonly message: Extract<ServerMessage, { kind: 'scanPage' }>;
  readonly link: LinkId;
  readonly node: NodeId;
}

export interface ServedAnswer {
  readonly answer: ReadAnswer;
  readonly node: NodeId;
}

/**
 * One call of the application, from issue to its one settlement. The session logic decides the settlement; the
 * shell carries it out with `complete`, so that no application code runs inside a decision.
 */
export abstract class Call<Result = unknown> implements Timed {
  /** Names the call on every connection it is sent over; from 1, never reused by a client. */
  id = 0;
  /** Place in the order of issue. */
  order = 0;
  readonly deadline: number;
  /** How often it was sent. */
  attempts = 0;
  /** Where an answer is awaited. */
  link: LinkId = NO_LINK;
  settled = false;
  /** The last refusal that was not final. */
  refusal: WireError | undefined = undefined;
  /** Keys and values, as they count against the client's memory. */
  readonly bytes: number;
  owner: CallOwner | undefined = undefined;
  wheelSlot = -1;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  /** Set by whoever waits for the settlement. */
  resolve: (result: Result) => void = ignore;
  reject: (error: HoldfastError) => void = ignore;
  #result: Result | undefined = undefined;
  #error: HoldfastError | undefined = undefined;

  constructor(deadline: number, bytes: number) {
    this.deadline = deadline;
    this.bytes = bytes;
  }

  succeed(result: Result): void {
    assert(!this.settled, 'a call settles once');
    this.settled = true;
    this.#result = result;
  }

  fail(error: HoldfastError): void {
    assert(!this.settled, 'a call settles once');
    this.settled = true;
    this.#error = error;
  }

  /** Tells the caller. */
  complete(): void {
    assert(this.settled, 'not settled yet');
    if (this.#error !== undefined) this.reject(this.#error);
    else this.resolve(this.#result as Result);
    this.owner?.onCompleted();
  }
}

/** A write, and at the same time its request on the wire. */
export class WriteCall extends Call<WriteReceipt> {
  readonly kind = 'write';
  readonly ack: Ack;
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  remainingMs = 0;
  /** 0 until it is first sent. */
  sequence = 0;
  session: OpenSession | undefined = undefined;
  /** An attempt ended without an answer, or with one that leaves its effect open: only a receipt can settle that. */
  mayBeLogged = false;

  constructor(options: {
    deadline: number;
    bytes: number;
    ack: Ack;
    conditions: readonly Condition[];
    operations: readonly Operation[];
  }) {
    super(options.deadline, options.bytes);
    this.ack = options.ack;
    this.conditions = options.conditions;
    this.operations = options.operations;
  }
}

/** What reads of keys and of ranges have in common: any node that qualifies may answer, and asking twice is harmless. */
abstract class RoutedCall<Result> extends Call<Result> {
  readonly consistency: Consistency;
  /** A revision the caller wants to see, from another process perhaps; 0 for none. */
  readonly after: Revision;
  declare readonly maxStalenessMs?: number;
  remainingMs = 0;
  token = 0 as Revision;
  /** Of the session token, when it was sent. */
  tokenEpoch = 0;
  /** The link whose node refused or kept silent: tried again only if there is no other. */
  avoid: LinkId = NO_LINK;
  /** Not to be sent before; 0 unless it pauses. */
  retryAt = 0;

  constructor(options: {
    deadline: number;
    bytes: number;
    consistency: Consistency;
    after: Revision;
    maxStalenessMs?: number;
  }) {
    super(options.deadline, options.bytes);
    this.consistency = options.consistency;
    this.after = options.after;
    if (options.maxStalenessMs !== undefined) this.maxStalenessMs = options.maxStalenessMs;
  }
}

/** A read of keys, and at the same time its request on the wire. */
export class ReadCall extends RoutedCall<ServedAnswer> {
  readonly kind = 'read';
  readonly keys: readonly Uint8Array[];

  constructor(options: ConstructorParameters<typeof RoutedCall>[0] & { keys: readonly Uint8Array[] }) {
    super(options);
    this.keys = options.keys;
  }
}

/** Opens a range read on a snapshot and asks for its first page. */
export class ScanCall extends RoutedCall<Page> {
  readonly kind = 'scan';
  readonly range: KeyRange;
  readonly pageSize: number;

  constructor(options: ConstructorParameters<typeof RoutedCall>[0] & { range: KeyRange; pageSize: number }) {
    super(options);
    this.range = options.range;
    this.pageSize = options.pageSize;
  }

  get request(): Extract<ClientMessage, { kind: 'scanOpen' }> {
    const { id, consistency, remainingMs, token, range, pageSize } = this;
    const request = { kind: 'scanOpen', id, consistency, remainingMs, token, range, pageSize } as const;
    return this.maxStalenessMs === undefined ? request : { ...request, maxStalenessMs: this.maxStalenessMs };
  }
}

/** A further page of an open scan: only the node that holds the snapshot can answer. */
export class PageCall extends Call<Page> {
  readonly kind = 'page';
  /** The id under which the scan was opened, and the link it was opened over. */
  readonly scan: number;
  readonly home: LinkId;
  readonly pageSize: number;
  readonly seek: Uint8Array | undefined;

  constructor(options: {
    deadline: number;
    scan: number;
    home: LinkId;
    pageSize: number;
    seek: Uint8Array | undefined;
  }) {
    super(options.deadline, 0);
    this.scan = options.scan;
    this.home = options.home;
    this.pageSize = options.pageSize;
    this.seek = options.seek;
  }

  get request(): Extract<ClientMessage, { kind: 'scanNext' }> {
    const { id, scan, pageSize, seek } = this;
    return seek === undefined
      ? { kind: 'scanNext', id, scan, pageSize }
      : { kind: 'scanNext', id, scan, pageSize, seek };
  }
}

export type RoutableCall = ReadCall | ScanCall;
export type AnyCall = WriteCall | ReadCall | ScanCall | PageCall;

function ignore(): void {
  // A call that nobody waits for.
}
