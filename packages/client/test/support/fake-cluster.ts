import {
  type Ack,
  assertNever,
  CLIENT_SUBPROTOCOL,
  type ClientMessage,
  type Clock,
  type ClusterId,
  type Connection,
  type Consistency,
  type DatabaseUid,
  ERROR_CODES,
  type ErrorCode,
  type Listener,
  type NodeId,
  PROTOCOL_VERSION,
  type ReadAnswer,
  type ReadRequest,
  type Revision,
  type ServerMessage,
  type Term,
  type Topology,
  type Transport,
  type WireError,
  type WriteReply,
  type WriteRequest,
} from '@holdfast/types';
import { decodeClientMessages, encodeServerMessages } from '@holdfast/wire';
import { FakeState } from './fake-state.ts';
import { FakeWatches } from './fake-watches.ts';

/** How a node treats one request, if not as a sound one would. */
export type Treatment = 'drop' | 'executeAndDrop' | WireError | undefined;
/** `late`: answered when the test says so. */
export type ReadTreatment = Treatment | 'late';

interface Scan {
  readonly records: { key: Uint8Array; value: Uint8Array }[];
  readonly range: Extract<ClientMessage, { kind: 'scanOpen' }>['range'];
  position: number;
  readonly revision: Revision;
}

interface FakeConnection {
  readonly connection: Connection;
  readonly scans: Map<number, Scan>;
  readonly snapshots: Map<number, FakeState>;
  readonly watches: FakeWatches;
}

export interface FakeNodeSeat {
  readonly id: NodeId;
  readonly url: string;
  readonly transport: Transport;
}

/** A node that speaks the client protocol over a real codec; its state is its cluster's. */
export class FakeNode {
  readonly id: NodeId;
  readonly #cluster: FakeCluster;
  readonly #seat: FakeNodeSeat;
  readonly #connections = new Set<FakeConnection>();
  #listener: Listener | undefined;
  /** Sockets stay open, nothing is read or said. */
  frozen = false;
  #unread: (() => void)[] = [];
  #late: (() => void)[] = [];
  /** Everything it has received, by kind. */
  readonly received: ClientMessage[] = [];
  frames = 0;
  /** Writes and reads of keys received. */
  requests = 0;

  constructor(cluster: FakeCluster, seat: FakeNodeSeat) {
    this.id = seat.id;
    this.#cluster = cluster;
    this.#seat = seat;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async start(): Promise<void> {
    this.#listener = await this.#seat.transport.listen({
      host: '127.0.0.1',
      port: Number(new URL(this.#seat.url).port),
      decide: ({ path }) =>
        path === '/client'
          ? { accept: CLIENT_SUBPROTOCOL, maxMessageBytes: 2 ** 24 }
          : { refuse: 404, message: 'not found' },
      onConnection: (connection) => this.#onConnection(connection),
    });
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
    this.#connections.clear();
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    const unread = this.#unread;
    this.#unread = [];
    for (const read of unread) read();
  }

  announce(topology: Topology): void {
    if (this.frozen) return;
    for (const { connection } of this.#connections)
      connection.send(encodeServerMessages([{ kind: 'topology', topology }]));
  }

  /** Anything, to everybody connected. */
  sendRaw(bytes: Uint8Array): void {
    for (const { connection } of this.#connections) connection.send(bytes);
  }

  /** On everybody connected. */
  hangUp(): void {
    for (const { connection } of this.#connections) connection.terminate();
  }

  #onConnection(connection: Connection): void {
    const state: FakeConnection = {
      connection,
      scans: new Map(),
      snapshots: new Map(),
      watches: new FakeWatches(),
    };
    this.#connections.add(state);
    const read = (bytes: Uint8Array): void => {
      if (this.frozen) this.#unread.push(() => read(bytes));
      else this.#onFrame(state, bytes);
    };
    connection.handlers = { onMessage: read, onClose: () => this.#connections.delete(state) };
  }

  #onFrame(from: FakeConnection, bytes: Uint8Array): void {
    this.frames += 1;
    const replies: ServerMessage[] = [];
    for (const message of decodeClientMessages(bytes)) {
      this.received.push(message);
      if (message.kind === 'write') this.requests += message.requests.length;
      if (message.kind === 'read') this.requests += message.reads.length;
      this.#onMessage(from, message, replies);
    }
    if (replies.length > 0) from.connection.send(encodeServerMessages(replies));
    for (const node of this.#cluster.nodes) node.tellWatches();
  }

  /** What is new to them. */
  tellWatches(): void {
    this.#sayToWatches((watches) => watches.tell(this.#cluster.state));
  }

  endWatches(error: WireError): void {
    this.#sayToWatches((watches) => watches.refuse(error));
  }

  #sayToWatches(say: (watches: FakeWatches) => ServerMessage[]): void {
    if (this.frozen) return;
    for (const { connection, watches } of this.#connections) {
      const messages = say(watches);
      if (messages.length > 0) connection.send(encodeServerMessages(messages));
    }
  }

  get watches(): { readonly open: number; readonly credit: number } {
    const all = [...this.#connections].map(({ watches }) => watches);
    return {
      open: all.reduce((sum, { size }) => sum + size, 0),
      credit: all.reduce((sum, { credit }) => sum + credit, 0),
    };
  }

  #onMessage(from: FakeConnection, message: ClientMessage, replies: ServerMessage[]): void {
    const { state, term } = this.#cluster;
    switch (message.kind) {
      case 'hello':
        replies.push(this.#cluster.welcome(this, message));
        return;
      case 'ping':
        replies.push({ kind: 'pong', id: message.id });
        return;
      case 'openSession':
        if (this.#isPrimary)
          replies.push({ kind: 'sessionOpened', id: message.id, session: state.openSession(term) });
        else replies.push({ kind: 'failed', id: message.id, error: wireError('HOLDFAST_NOT_PRIMARY') });
        return;
      case 'closeSession':
        state.closeSession(message.session);
        replies.push({ kind: 'sessionClosed', id: message.id });
        return;
      case 'write': {
        const answered = message.requests.map((request) => this.#write(message, request));
        const done = answered.filter((reply) => reply !== undefined);
        if (done.length > 0) replies.push({ kind: 'writeReplies', replies: done });
        return;
      }
      case 'read': {
        const answers = message.reads
          .map((read) => this.#read(read, from))
          .filter((reply) => reply !== undefined);
        if (answers.length > 0) replies.push({ kind: 'readReplies', replies: answers });
        return;
      }
      case 'scanOpen': {
        const treatment = this.#cluster.onScan(this, message);
        if (treatment !== undefined) {
          if (typeof treatment === 'object')
            replies.push({ kind: 'failed', id: message.id, error: treatment });
          if (treatment === 'open')
            replies.push({ kind: 'scanOpened', id: message.id, revision: state.revision });
          return;
        }
        const held = message.snapshot === undefined ? state : from.snapshots.get(message.snapshot);
        if (held === undefined) {
          replies.push({ kind: 'failed', id: message.id, error: wireError('HOLDFAST_SNAPSHOT_LOST') });
          return;
        }
        const { range } = message;
        const scan = { records: held.range(range), range, position: 0, revision: held.revision };
        from.scans.set(message.id, scan);
        replies.push(this.#page(message.id, scan, message.pageSize, this.#ageOf(message.consistency)));
        return;
      }
      case 'scanNext': {
        const scan = from.scans.get(message.scan);
        if (scan === undefined || this.#cluster.scansLost) {
          replies.push({ kind: 'failed', id: message.id, error: wireError('HOLDFAST_SNAPSHOT_LOST') });
          return;
        }
        if (message.seek !== undefined) scan.position = seek(scan, message.seek);
        replies.push(this.#page(message.id, scan, message.pageSize));
        return;
      }
      case 'scanClose':
        from.scans.delete(message.scan);
        return;
      case 'snapshotOpen':
        from.snapshots.set(message.id, state.frozen());
        replies.push({
          kind: 'snapshotOpened',
          id: message.id,
          revision: state.revision,
          stalenessMs: this.#ageOf(message.consistency),
        });
        return;
      case 'snapshotRead': {
        const { id, keys } = message;
        const held = from.snapshots.get(message.snapshot);
        replies.push({
          kind: 'readReplies',
          replies:
            held === undefined || this.#cluster.scansLost
              ? [{ id, error: wireError('HOLDFAST_SNAPSHOT_LOST') }]
              : [{ id, answer: answerOf(held, keys, 0) }],
        });
        return;
      }
      case 'snapshotClose':
        from.snapshots.delete(message.snapshot);
        return;
      case 'watchOpen':
      case 'watchCredit':
      case 'watchClose': {
        const refusal = message.kind === 'watchOpen' ? this.#cluster.onWatch(this, message) : undefined;
        if (refusal !== undefined && message.kind === 'watchOpen')
          replies.push({ kind: 'failed', id: message.id, error: refusal });
        else replies.push(...from.watches.onRequest(message, state));
        return;
      }
      case 'trace':
        return;
      default:
        assertNever(message);
    }
  }

  get #isPrimary(): boolean {
    return this.#cluster.primary === this.id;
  }

  get openScans(): number {
    let count = 0;
    for (const { scans } of this.#connections) count += scans.size;
    return count;
  }

  get openSnapshots(): number {
    let count = 0;
    for (const { snapshots } of this.#connections) count += snapshots.size;
    return count;
  }

  #write(message: Extract<ClientMessage, { kind: 'write' }>, request: WriteRequest): WriteReply | undefined {
    const { id } = request;
    const treatment = this.#cluster.onWrite(this, request);
    if (treatment === 'drop') return undefined;
    if (typeof treatment === 'object') return { id, error: treatment };
    if (!this.#isPrimary) return { id, error: wireError('HOLDFAST_NOT_PRIMARY') };
    const receipt = this.#cluster.state.write(message.session, message.floor, request, this.#cluster.term);
    if (treatment === 'executeAndDrop') return undefined;
    if (receipt === undefined) return { id, error: wireError('HOLDFAST_SESSION_EXPIRED') };
    return receipt === 'closed' ? { id, error: wireError('HOLDFAST_SEQUENCE_CLOSED') } : { id, receipt };
  }

  /** Answers all reads that are late. */
  answerLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const answer of late) answer();
  }

  #read(
    read: ReadRequest,
    from: FakeConnection,
  ): Extract<ServerMessage, { kind: 'readReplies' }>['replies'][number] | undefined {
    const { id } = read;
    const treatment = this.#cluster.onRead(this, read);
    if (treatment === 'late') {
      const answer = answerOf(this.#cluster.state, read.keys, this.#ageOf(read.consistency));
      const message: ServerMessage = { kind: 'readReplies', replies: [{ id, answer }] };
      this.#late.push(() => from.connection.send(encodeServerMessages([message])));
      return undefined;
    }
    if (treatment === 'drop' || treatment === 'executeAndDrop') return undefined;
    if (treatment !== undefined) return { id, error: treatment };
    if (read.consistency === 'linearizable' && !this.#isPrimary && !this.#cluster.standbysAsk)
      return { id, error: wireError('HOLDFAST_NOT_PRIMARY') };
    const { state } = this.#cluster;
    const stalenessMs = this.#ageOf(read.consistency);
    if (read.maxStalenessMs !== undefined && stalenessMs > read.maxStalenessMs)
      return { id, error: wireError('HOLDFAST_TOO_STALE') };
    return { id, answer: answerOf(state, read.keys, stalenessMs) };
  }

  #ageOf(consistency: Consistency): number {
    return consistency === 'linearizable' || this.#isPrimary ? 0 : this.#cluster.ageMsOf(this);
  }

  #page(id: number, scan: Scan, pageSize: number, stalenessMs = 0): ServerMessage {
    const records: Uint8Array[] = [];
    const page = scan.records.slice(scan.position, scan.position + pageSize);
    for (const { key, value } of page) {
      records.push(scan.range.keys ? key : new Uint8Array(0), scan.range.values ? value : new Uint8Array(0));
    }
    scan.position += page.length;
    const done = scan.position >= scan.records.length;
    return { kind: 'scanPage', id, records, done, revision: scan.revision, stalenessMs };
  }
}

/** Nodes that share one state; the test decides who is primary and what goes wrong. */
export class FakeCluster {
  state: FakeState;
  readonly nodes: FakeNode[];
  readonly #seats: readonly FakeNodeSeat[];
  term = 1;
  primary: NodeId | undefined;
  defaultAck: Ack = 'quorum';
  protocol: number = PROTOCOL_VERSION;
  /** Standbys ask the primary what a linearizable read must hold, as real ones do. */
  standbysAsk = false;
  /** What standbys say of their state. */
  ageMsOf: (node: FakeNode) => number = () => 7;
  /** Every further page of a scan is refused. */
  scansLost = false;
  clusterId = 'c'.repeat(32) as ClusterId;
  onWrite: (node: FakeNode, request: WriteRequest) => Treatment = () => undefined;
  onRead: (node: FakeNode, request: ReadRequest) => ReadTreatment = () => undefined;
  /** `open`: the state is held, but no page comes. */
  onScan: (node: FakeNode, request: Extract<ClientMessage, { kind: 'scanOpen' }>) => Treatment | 'open' =
    () => undefined;
  onWatch: (node: FakeNode, request: Extract<ClientMessage, { kind: 'watchOpen' }>) => WireError | undefined =
    () => undefined;
  onHello: (hello: Extract<ClientMessage, { kind: 'hello' }>) => WireError | undefined = () => undefined;

  /** With a clock keys expire; without one they stay. */
  constructor(seats: readonly FakeNodeSeat[], clock?: Clock) {
    this.state = new FakeState(
      clock && ((delayMs, work) => void clock.setTimer(delayMs, () => this.#pass(work))),
    );
    this.#seats = seats;
    this.nodes = seats.map((seat) => new FakeNode(this, seat));
    this.primary = seats[0]?.id;
  }

  #pass(work: () => void): void {
    work();
    for (const node of this.nodes) node.tellWatches();
  }

  get topology(): Topology {
    const nodes = this.#seats.map(({ id, url }) => ({ id, url }));
    const term = this.term as Term;
    return this.primary === undefined ? { term, nodes } : { term, primary: this.primary, nodes };
  }

  node(id: string): FakeNode {
    const node = this.nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** A new term; every node that is not frozen tells its clients. */
  elect(id: string | undefined): void {
    this.term += 1;
    this.primary = id as NodeId | undefined;
    for (const node of this.nodes) node.announce(this.topology);
  }

  welcome(node: FakeNode, hello: Extract<ClientMessage, { kind: 'hello' }>): ServerMessage {
    const error = this.onHello(hello);
    if (error !== undefined) return { kind: 'failed', id: 0, error };
    return {
      kind: 'welcome',
      protocol: this.protocol,
      cluster: this.clusterId,
      database: 'd'.repeat(32) as DatabaseUid,
      node: node.id,
      defaultAck: this.defaultAck,
      topology: this.topology,
    };
  }
}

export function wireError(code: ErrorCode, more: Partial<WireError> = {}): WireError {
  return { code, message: `test: ${code}`, ...ERROR_CODES[code], ...more };
}

function answerOf(state: FakeState, keys: readonly Uint8Array[], stalenessMs: number): ReadAnswer {
  return { items: keys.map((key) => state.get(key)), revision: state.revision, stalenessMs };
}

function seek(scan: Scan, target: Uint8Array): number {
  const position = scan.records.findIndex(({ key }) => {
    const order = Buffer.compare(key, target);
    return scan.range.reverse ? order <= 0 : order >= 0;
  });
  return position < 0 ? scan.records.length : position;
}
