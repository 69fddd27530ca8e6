import type { ClientReply, ServedRead } from '@holdfast/core';
import type { Store } from '@holdfast/store';
import {
  type Ack,
  assertNever,
  type ClientMessage,
  type Clock,
  type ClusterId,
  type Connection,
  HoldfastError,
  type Lane,
  LIMITS,
  type NodeId,
  PROTOCOL_VERSION,
  type Timer,
  type Topology,
  type WireError,
} from '@holdfast/types';
import { decodeClientMessages } from '@holdfast/wire';
import type { NodeLimits } from '../config/node-config.ts';
import { CLOSE_CODES, closeCodeOf } from '../links/close-codes.ts';
import { RequestSpans } from '../tracing/request-spans.ts';
import type { TurnEnd } from '../turn-end.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientDatabase, ClientMetrics } from './client-database.ts';
import { ClientReads } from './client-reads.ts';
import { ClientWrites } from './client-writes.ts';
import { ConnectionScans } from './connection-scans.ts';
import { ConnectionSnapshots } from './connection-snapshots.ts';
import { ConnectionWatches } from './connection-watches.ts';
import type { LaneLoad } from './lane-load.ts';
import { ScanLane } from './scan-lane.ts';
import { sameTopology } from './topology.ts';
import { toWireError } from './wire-error.ts';

export interface ClientHubOptions {
  readonly node: NodeId;
  readonly clock: Clock;
  readonly turnEnd: TurnEnd;
  readonly limits: NodeLimits;
  readonly defaultAck: Ack;
  readonly metrics: ClientMetrics;
  cluster(): ClusterId | undefined;
  /** By name. Undefined: there is none, or it is not open yet. */
  database(name: string): ClientDatabase | undefined;
  topology(): Topology;
  onFatal(error: unknown): void;
}

/** Looks in the time after which what nobody uses goes. */
const SWEEPS_PER_IDLE = 4;

/** All client connections of a node: what they ask goes to the core as inputs, what it answers goes back. */
export class ClientHub {
  readonly #options: ClientHubOptions;
  readonly #connections = new Map<number, ClientConnection>();
  readonly #writes: ClientWrites;
  readonly #reads: ClientReads;
  readonly #scanLane: ScanLane;
  #lastNumber = 0;
  #topology: Topology | undefined;
  #sweep: Timer | undefined;

  constructor(options: ClientHubOptions) {
    this.#options = options;
    this.#writes = new ClientWrites({ clock: options.clock, metrics: options.metrics });
    const { pendingReadsMax, scansRunningMax, scansWaitingMax } = options.limits;
    this.#reads = new ClientReads({ clock: options.clock, metrics: options.metrics, pendingReadsMax });
    this.#scanLane = new ScanLane({
      runningMax: scansRunningMax,
      waitingMax: scansWaitingMax,
      clock: options.clock,
    });
  }

  get size(): number {
    return this.#connections.size;
  }

  /** How full the lanes are; of writes, those that the core has, logged or not. */
  get lanes(): Readonly<Record<Lane, LaneLoad>> {
    let writes = 0;
    let watches = 0;
    for (const client of this.#connections.values()) {
      writes += client.requests.size;
      watches += client.watches.size;
    }
    return {
      writes: { running: writes, waiting: 0, refused: this.#writes.refused },
      reads: { running: this.#reads.pending, waiting: 0, refused: this.#reads.refused },
      scans: this.#scanLane.load,
      watches: { running: watches, waiting: 0, refused: this.#reads.watchesRefused },
    };
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#options.limits.clientConnectionsMax;
  }

  accept(connection: Connection): void {
    const { clock, turnEnd, limits } = this.#options;
    this.#lastNumber += 1;
    const client: ClientConnection = new ClientConnection({
      number: this.#lastNumber,
      connection,
      now: clock.now(),
      turnEnd,
      bufferedBytesMax: limits.clientBufferedBytesMax,
      scans: new ConnectionScans({
        owner: this.#lastNumber,
        lane: this.#scanLane,
        scansMax: limits.scansPerConnectionMax,
        pageBytesMax: limits.scanPageBytesMax,
        clock,
        onOpened: (id, revision) => client.send({ kind: 'scanOpened', id, revision }),
        onPage: (page, bytes) => client.sendLong(page, bytes),
        onFailed: (id, error) => client.send({ kind: 'failed', id, error }),
        onFatal: (error) => this.#options.onFatal(error),
      }),
      snapshots: new ConnectionSnapshots({
        snapshotsMax: limits.scansPerConnectionMax,
        now: () => clock.now(),
      }),
      watches: new ConnectionWatches(limits.watchesPerConnectionMax),
      onError: (code) => this.#options.metrics.error(code),
    });
    this.#connections.set(client.number, client);
    connection.handlers = {
      onMessage: (bytes) => this.#onMessage(client, bytes),
      onClose: () => this.#onClose(client),
    };
    client.handshake = clock.setTimer(
      limits.handshakeTimeoutMs,
      () => client.close(CLOSE_CODES.handshakeTimeout, 'no hello in time'),
      { background: true },
    );
    this.#sweepLater();
  }

  reply(connection: number, replies: readonly ClientReply[]): void {
    const client = this.#connections.get(connection);
    if (client !== undefined) this.#writes.reply(client, replies);
  }

  serve(reads: readonly ServedRead[], store: Store, logTime: number): void {
    this.#reads.serve(reads, store, logTime);
  }

  refuseReads(reads: readonly { readonly id: number; readonly error: WireError }[]): void {
    this.#reads.refuse(reads);
  }

  /** Primary, term or an address may be another: clients are told if so. */
  topologyChanged(): void {
    const topology = this.#options.topology();
    if (this.#topology !== undefined && sameTopology(this.#topology, topology)) return;
    this.#topology = topology;
    for (const client of this.#connections.values()) {
      if (client.database !== undefined) client.send({ kind: 'topology', topology });
    }
  }

  /** The store behind them was replaced. */
  closeScans(): void {
    for (const client of this.#connections.values()) {
      client.scans.closeAll();
      client.snapshots.closeAll();
    }
  }

  closeAll(code: number, reason: string): void {
    this.#sweep?.cancel();
    for (const client of this.#connections.values()) client.close(code, reason);
  }

  #onMessage(client: ClientConnection, bytes: Uint8Array): void {
    if (client.closed) return;
    client.heardAt = this.#options.clock.now();
    try {
      for (const message of decodeClientMessages(bytes)) this.#onClientMessage(client, message);
      client.spans?.frameEnded();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#refuse(client, closeCodeOf(error), error);
    }
  }

  #onClientMessage(client: ClientConnection, message: ClientMessage): void {
    if (message.kind === 'hello') {
      this.#onHello(client, message);
      return;
    }
    const { database } = client;
    // After a hello that was refused the rest of its frame is nobody's.
    if (client.closed) return;
    if (database === undefined)
      throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', `${message.kind} before hello`);
    client.spans?.arrived(message, database.traces);
    switch (message.kind) {
      case 'openSession':
      case 'closeSession':
        this.#writes.session(client, database, message);
        break;
      case 'write':
        this.#writes.write(client, database, message);
        break;
      case 'read':
        this.#reads.read(client, database, message.reads);
        break;
      case 'scanOpen':
        this.#reads.openScan(client, database, message);
        break;
      case 'scanNext':
        this.#reads.nextPage(client, message);
        break;
      case 'scanClose':
        this.#reads.closeScan(client, message.scan);
        break;
      case 'snapshotOpen':
        this.#reads.openSnapshot(client, database, message);
        break;
      case 'snapshotRead':
        this.#reads.readSnapshot(client, message);
        break;
      case 'snapshotClose':
        this.#reads.closeSnapshot(client, message.snapshot);
        break;
      case 'watchOpen':
        this.#reads.openWatch(client, database, message);
        break;
      case 'watchCredit':
        client.watches.grant(message.watch, message.bytes);
        break;
      case 'watchClose':
        this.#reads.closeWatch(client, message.watch);
        break;
      case 'ping':
        client.send({ kind: 'pong', id: message.id });
        break;
      case 'trace':
        client.spans ??= new RequestSpans(this.#options.node);
        client.spans.expect(message.traces);
        break;
      default:
        assertNever(message);
    }
  }

  #onHello(client: ClientConnection, hello: Extract<ClientMessage, { kind: 'hello' }>): void {
    if (client.database !== undefined) throw new HoldfastError('HOLDFAST_INVALID_MESSAGE', 'a second hello');
    const { node, defaultAck } = this.#options;
    const cluster = this.#options.cluster();
    if (hello.protocol !== PROTOCOL_VERSION) {
      const reason = `${node} speaks protocol ${PROTOCOL_VERSION}, the client ${hello.protocol}`;
      this.#refuse(
        client,
        CLOSE_CODES.versionMismatch,
        new HoldfastError('HOLDFAST_VERSION_MISMATCH', reason),
      );
      return;
    }
    if (hello.cluster !== undefined && cluster !== undefined && hello.cluster !== cluster) {
      const reason = `${node} belongs to cluster ${cluster}, the client asks for ${hello.cluster}`;
      this.#refuse(client, CLOSE_CODES.wrongCluster, new HoldfastError('HOLDFAST_WRONG_CLUSTER', reason));
      return;
    }
    const database = this.#options.database(hello.database);
    if (database === undefined) {
      const reason = `${node} has no database of that name`;
      this.#refuse(client, CLOSE_CODES.notWelcome, new HoldfastError('HOLDFAST_UNKNOWN_DATABASE', reason));
      return;
    }
    if (cluster === undefined || database.uid === '') {
      const reason = 'the cluster has not formed yet: not all of its nodes have met';
      this.#refuse(client, CLOSE_CODES.notReady, new HoldfastError('HOLDFAST_NOT_READY', reason));
      return;
    }
    client.handshake?.cancel();
    // What it is told first must not be older than what the others know.
    this.topologyChanged();
    client.database = database;
    client.send({
      kind: 'welcome',
      protocol: PROTOCOL_VERSION,
      cluster,
      database: database.uid,
      node,
      defaultAck,
      topology: this.#topology ?? this.#options.topology(),
    });
  }

  #refuse(client: ClientConnection, code: number, error: HoldfastError): void {
    client.close(code, error.message, { kind: 'failed', id: 0, error: toWireError(error) });
    this.#onClose(client);
  }

  #onClose(client: ClientConnection): void {
    if (!this.#connections.delete(client.number)) return;
    client.closed = true;
    client.spans?.closed();
    client.handshake?.cancel();
    this.#reads.forget(client);
    client.scans.closeAll();
    client.snapshots.closeAll();
    client.watches.closeAll();
    client.database?.input({ kind: 'connectionClosed', connection: client.number });
  }

  /**
   * Clients say something now and then, if only that they are there. One that does not has gone without a word, and nobody
   * else would ever notice: it would keep its place among those who may connect for good.
   */
  #cutIfGone(client: ClientConnection): void {
    if (this.#options.clock.now() - client.heardAt > LIMITS.clientSilentMsMax) client.terminate();
  }

  #sweepLater(): void {
    const { clock, limits } = this.#options;
    this.#sweep ??= clock.setTimer(
      Math.min(limits.scanIdleMs, LIMITS.clientSilentMsMax) / SWEEPS_PER_IDLE,
      () => {
        this.#sweep = undefined;
        const usedBefore = clock.now() - limits.scanIdleMs;
        for (const client of this.#connections.values()) {
          client.scans.closeIdle(usedBefore);
          client.snapshots.closeIdle(usedBefore);
          this.#cutIfGone(client);
        }
        if (this.#connections.size > 0) this.#sweepLater();
      },
      { background: true },
    );
  }
}
