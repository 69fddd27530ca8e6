import type {
  Ack,
  ClientMessage,
  Condition,
  Consistency,
  KeyRange,
  Lane,
  NodeId,
  Operation,
  RangeClearing,
  ReadAnswer,
  Revision,
  ServerMessage,
  Traceparent,
  WatchedRange,
  WireError,
  WriteReceipt,
} from '@holdfast/types';
import { assert, boundBytes, type HoldfastError } from '@holdfast/types';
import type { Timed } from './deadline-wheel.ts';
import type { OpenSession } from './open-session.ts';
import type { ReadPreference } from './read-routes.ts';

/** One life of one connection to one node; never reused. 0 stands for none. */
export type LinkId = number;
export const NO_LINK: LinkId = 0;

/** Whose call it is. */
export interface CallOwner {
  /** The call has been told its end. */
  onCompleted(): void;
  /** One of its reads was answered with less than it had asked for. */
  onDegraded(detail: StaleRead): void;
  /** It was sent once more; undefined: over a link that is gone since. */
  onResent(call: AnyCall, repeat: Repeat, node: NodeId | undefined): void;
}

/** Why a call is sent once more: there is a new primary; the attempt before came to nothing; or it takes long. */
export type Repeat = 'redelivery' | 'retry' | 'hedge';

/** Follows one call for a trace. Told in the middle of decisions: it only takes notes. */
export interface CallTrace {
  /** Travels with the request. Undefined: nodes are not to know of it. */
  readonly traceparent: Traceparent | undefined;
  sent(link: LinkId, repeat: Repeat | undefined): void;
  /** What it asks for was left to what nodes are configured with, and is known now. */
  decided(): void;
  ended(error: HoldfastError | undefined, result: unknown): void;
}

/** A read that was answered at `eventual` because its caller would rather have that than nothing. */
export interface StaleRead {
  readonly kind: 'stale-read';
  /** Milliseconds that the state read may be behind; undefined: the node cannot tell. */
  readonly staleness: number | undefined;
  readonly servedBy: NodeId;
}

/** What a call does while there is nobody who could do what it asks: waits for its deadline, or fails. */
export type WhenNoPrimary = 'wait' | 'fail';

/** A page of a range read, and where its snapshot lives. */
export interface Page {
  readonly message: Extract<ServerMessage, { kind: 'scanPage' }>;
  readonly link: LinkId;
  readonly node: NodeId;
}

/** A snapshot held for several reads: the id that opened it, and the link it lives behind. */
export interface SnapshotHome {
  readonly id: number;
  readonly link: LinkId;
}

export interface ServedAnswer {
  readonly answer: ReadAnswer;
  readonly node: NodeId;
  /** Less was read than was asked for: see `RoutedCall.mayDegrade`. */
  readonly isDegraded: boolean;
}

/**
 * One call of the application, from issue to its one settlement. The session logic decides the settlement; the
 * shell carries it out with `complete`, so that no application code runs inside a decision.
 */
export abstract class Call<Result = unknown> implements Timed {
  /** What it is kept apart with. */
  abstract readonly lane: Lane;
  /** Names the call on every connection it is sent over; from 1, never reused by a client. */
  id = 0;
  /** Place in the order of issue. */
  order = 0;
  readonly deadline: number;
  /** How often it was sent. */
  attempts = 0;
  /** When it was sent last, and in which term as this client knew it then. */
  sentAt = 0;
  term = 0;
  /** It waited through an outage that has ended since. */
  isLate = false;
  /** Its last attempt took a token of the retry budget; it waits for one. */
  isCharged = false;
  isHeld = false;
  /** Where an answer is awaited. */
  link: LinkId = NO_LINK;
  settled = false;
  /** The last refusal that was not final. */
  refusal: WireError | undefined = undefined;
  /** Keys and values, as they count against the client's memory. */
  readonly bytes: number;
  owner: CallOwner | undefined = undefined;
  /** Set by whoever makes the call. */
  whenNoPrimary: WhenNoPrimary = 'wait';
  /** Only of one that goes by the nodes' default, made before any of them has told it. */
  declare onDefaultAck?: (defaultAck: Ack) => void;
  /** Only while somebody records traces. */
  trace: CallTrace | undefined = undefined;
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
    this.trace?.ended(this.#error, this.#result);
    if (this.#error !== undefined) this.reject(this.#error);
    else this.resolve(this.#result as Result);
    this.owner?.onCompleted();
  }
}

/** A write, and at the same time its request on the wire. */
export class WriteCall extends Call<WriteReceipt> {
  readonly kind = 'write';
  readonly lane = 'writes';
  /** What it must have reached, as it is asked for now: see `leaveOpen`. */
  ack: Ack;
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
  /** Only of a transaction. */
  declare readonly otherwise?: readonly Operation[];
  /** Only of a clear. */
  declare readonly clear?: RangeClearing;
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
    otherwise?: readonly Operation[];
    clear?: RangeClearing;
  }) {
    super(options.deadline, options.bytes);
    this.ack = options.ack;
    this.conditions = options.conditions;
    this.operations = options.operations;
    if (options.otherwise !== undefined) this.otherwise = options.otherwise;
    if (options.clear !== undefined) this.clear = options.clear;
  }

  /**
   * An attempt came to no end that is known: it may be in the log of some node that wins, or reach one yet. Were the
   * next one acknowledged at `local` and then lost, that one could be carried out all the same: listed as lost, and
   * there under a revision that nobody was told (G3). What is committed keeps all other attempts from it.
   */
  leaveOpen(): void {
    this.mayBeLogged = true;
    if (this.ack === 'local') this.ack = 'quorum';
  }
}

/** What reads of keys and of ranges have in common: any node that qualifies may answer, and asking twice is harmless. */
abstract class RoutedCall<Result> extends Call<Result> {
  consistency: Consistency;
  /** A revision the caller wants to see, from another process perhaps; 0 for none. */
  after: Revision;
  declare readonly maxStalenessMs?: number;
  /** Rather than not at all it is answered at `eventual`, by whoever is there. */
  readonly mayDegrade: boolean;
  isDegraded = false;
  readonly readPreference: ReadPreference;
  remainingMs = 0;
  /** What it asks with. */
  token = 0 as Revision;
  /** What the state read must hold; above `token` while that one's fate is not known. */
  needed = 0 as Revision;
  /** What it has asked with to learn that one's fate, and it survived. */
  provenTo = 0 as Revision;
  /** Of the session token, when it was sent. */
  tokenEpoch = 0;
  /** The link whose node refused or kept silent: tried again only if there is no other. */
  avoid: LinkId = NO_LINK;
  /** Links whose nodes cannot ever answer it. */
  refusedBy: Set<LinkId> | undefined = undefined;
  /** Links whose nodes could not answer it: all others are asked before they are asked again. */
  declinedBy: Set<LinkId> | undefined = undefined;
  /** Its attempts that took a token of the retry budget and were answered with: not here. */
  passedOn = 0;
  /** Not to be sent before; 0 unless it pauses. */
  retryAt = 0;

  constructor(options: {
    deadline: number;
    bytes: number;
    consistency: Consistency;
    after: Revision;
    maxStalenessMs?: number | undefined;
    readPreference: ReadPreference;
    mayDegrade: boolean;
  }) {
    super(options.deadline, options.bytes);
    this.consistency = options.consistency;
    this.readPreference = options.readPreference;
    this.after = options.after;
    this.mayDegrade = options.mayDegrade;
    if (options.maxStalenessMs !== undefined) this.maxStalenessMs = options.maxStalenessMs;
  }

  /** From now on whatever state there is will do, as long as it is not older than was said. */
  degrade(): void {
    this.isDegraded = true;
    this.consistency = 'eventual';
    this.after = 0 as Revision;
    this.refusedBy = undefined;
    this.declinedBy = undefined;
    this.refusal = undefined;
  }

  /** Others are asked before, if there are any. */
  avoids(link: LinkId): boolean {
    return link === this.avoid || this.hasRefusal(link);
  }

  /** The node behind it has said no to it, for good or for now. */
  hasRefusal(link: LinkId): boolean {
    return this.refusedBy?.has(link) === true || this.declinedBy?.has(link) === true;
  }
}

/** A read of keys, and at the same time its request on the wire. */
export class ReadCall extends RoutedCall<ServedAnswer> {
  readonly kind = 'read';
  readonly lane = 'reads';
  readonly keys: readonly Uint8Array[];
  /** When it was sent for the first time. */
  firstSentAt = 0;
  /** Where a second copy of the newest attempt was sent, and when. */
  hedgeLink: LinkId = NO_LINK;
  hedgedAt = 0;

  constructor(options: ConstructorParameters<typeof RoutedCall>[0] & { keys: readonly Uint8Array[] }) {
    super(options);
    this.keys = options.keys;
  }

  get isUnderWay(): boolean {
    return this.link !== NO_LINK;
  }

  /** An answer may come from there. */
  isAwaitedFrom(link: LinkId): boolean {
    return link === this.link || link === this.hedgeLink;
  }

  /** Nothing comes of the first copy: the second takes its place. */
  promoteHedge(): void {
    this.link = this.hedgeLink;
    this.sentAt = this.hedgedAt;
    this.hedgeLink = NO_LINK;
  }
}

/** Opens a range read on a snapshot and asks for its first page. */
export class ScanCall extends RoutedCall<Page> {
  readonly kind = 'scan';
  readonly lane = 'scans';
  /** Its node holds the state that it will be read from, though the first page takes a while. */
  isOpened = false;
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

/** Takes a snapshot for later reads. */
export class SnapshotCall extends RoutedCall<SnapshotHome> {
  readonly kind = 'snapshot';
  readonly lane = 'scans';

  get request(): Extract<ClientMessage, { kind: 'snapshotOpen' }> {
    const { id, consistency, remainingMs, token } = this;
    const request = { kind: 'snapshotOpen', id, consistency, remainingMs, token } as const;
    return this.maxStalenessMs === undefined ? request : { ...request, maxStalenessMs: this.maxStalenessMs };
  }
}

/** Who is told of what a watch brings: called in the middle of decisions, so it only takes notes. */
export interface WatchSink {
  /** What came after `revision` will be told. */
  onOpened(home: WatchHome, revision: Revision): void;
  onEvents(message: Extract<ServerMessage, { kind: 'watchEvents' }>): void;
  /** Nothing more is told; `error`: what the node said of it, if it said anything. */
  onLost(error: HoldfastError | undefined): void;
}

/** A watch that a node has opened: the id that opened it, and the link it lives behind. */
export interface WatchHome {
  readonly id: number;
  readonly link: LinkId;
}

/** Opens a watch, from a position or from now. What it brings goes to its sink, from `onOpened` on. */
export class WatchCall extends RoutedCall<WatchHome> {
  readonly kind = 'watch';
  readonly lane = 'watches';
  override refusedBy: Set<LinkId> = new Set();
  /** What the one of them said whose log goes back farthest. */
  compacted: WireError | undefined = undefined;
  readonly range: WatchedRange;
  readonly from: Revision | undefined;
  readonly previousValues: boolean;
  readonly credit: number;
  readonly sink: WatchSink;

  constructor(
    options: ConstructorParameters<typeof RoutedCall>[0] &
      Pick<WatchCall, 'range' | 'from' | 'previousValues' | 'credit' | 'sink'>,
  ) {
    super(options);
    this.range = options.range;
    this.from = options.from;
    this.previousValues = options.previousValues;
    this.credit = options.credit;
    this.sink = options.sink;
  }

  get request(): Extract<ClientMessage, { kind: 'watchOpen' }> {
    const { id, consistency, remainingMs, token, range, previousValues, credit, from } = this;
    const state = { kind: 'watchOpen', id, consistency, remainingMs, token } as const;
    const request = { ...state, range, previousValues, credit };
    return from === undefined ? request : { ...request, from };
  }
}

/** A read of what one node holds for this client: nobody else can answer. */
abstract class BoundCall<Result> extends Call<Result> {
  readonly kind = 'bound';
  /** The link over which it was opened. */
  readonly home: LinkId;
  remainingMs = 0;
  abstract readonly answeredBy: 'scanPage' | 'readReplies';
  abstract readonly request: ClientMessage;

  constructor(options: { deadline: number; bytes: number; home: LinkId }) {
    super(options.deadline, options.bytes);
    this.home = options.home;
  }
}

/** A further page of an open scan. */
export class PageCall extends BoundCall<Page> {
  readonly lane = 'scans';
  readonly answeredBy = 'scanPage';
  /** The id under which the scan was opened. */
  readonly scan: number;
  readonly pageSize: number;
  readonly seek: Uint8Array | undefined;

  constructor(options: {
    deadline: number;
    scan: number;
    home: LinkId;
    pageSize: number;
    seek: Uint8Array | undefined;
  }) {
    super({ ...options, bytes: options.seek?.byteLength ?? 0 });
    this.scan = options.scan;
    this.pageSize = options.pageSize;
    this.seek = options.seek;
  }

  get request(): Extract<ClientMessage, { kind: 'scanNext' }> {
    const { id, remainingMs, scan, pageSize, seek } = this;
    const request = { kind: 'scanNext', id, remainingMs, scan, pageSize } as const;
    return seek === undefined ? request : { ...request, seek };
  }
}

/** Opens a range read on a snapshot that is held, and asks for its first page. */
export class SnapshotScanCall extends BoundCall<Page> {
  readonly lane = 'scans';
  readonly answeredBy = 'scanPage';
  readonly snapshot: number;
  readonly range: KeyRange;
  readonly pageSize: number;

  constructor(options: { deadline: number; snapshot: SnapshotHome; range: KeyRange; pageSize: number }) {
    const { deadline, range, snapshot } = options;
    super({ deadline, bytes: boundBytes(range), home: snapshot.link });
    this.snapshot = options.snapshot.id;
    this.range = options.range;
    this.pageSize = options.pageSize;
  }

  get request(): Extract<ClientMessage, { kind: 'scanOpen' }> {
    const { id, remainingMs, range, pageSize, snapshot } = this;
    // The state was chosen when the snapshot was taken.
    const state = { consistency: 'eventual', remainingMs, token: 0 as Revision } as const;
    return { kind: 'scanOpen', id, ...state, range, pageSize, snapshot };
  }
}

/** A read of keys from a snapshot that is held. */
export class SnapshotReadCall extends BoundCall<ServedAnswer> {
  readonly lane = 'reads';
  readonly answeredBy = 'readReplies';
  readonly snapshot: number;
  readonly keys: readonly Uint8Array[];

  constructor(options: {
    deadline: number;
    bytes: number;
    snapshot: SnapshotHome;
    keys: readonly Uint8Array[];
  }) {
    super({ deadline: options.deadline, bytes: options.bytes, home: options.snapshot.link });
    this.snapshot = options.snapshot.id;
    this.keys = options.keys;
  }

  get request(): Extract<ClientMessage, { kind: 'snapshotRead' }> {
    const { id, remainingMs, snapshot, keys } = this;
    return { kind: 'snapshotRead', id, remainingMs, snapshot, keys };
  }
}

export type RoutableCall = ReadCall | ScanCall | SnapshotCall | WatchCall;
export type AnyBoundCall = PageCall | SnapshotScanCall | SnapshotReadCall;
export type AnyCall = WriteCall | RoutableCall | AnyBoundCall;

function ignore(): void {
  // A call that nobody waits for.
}
