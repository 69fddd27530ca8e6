import type { StoreOptions } from '@holdfast/store';
import {
  type BootId,
  type Clock,
  type Connection,
  type Disk,
  type DiskId,
  HoldfastError,
  type NodeId,
  PEER_SUBPROTOCOL,
  type PeerHello,
  PROTOCOL_VERSION,
  type Random,
  SNAPSHOT_SUBPROTOCOL,
  type Topology,
  type Transport,
} from '@holdfast/types';
import type { EntryCodec, PeerFrame } from '@holdfast/wire';
import { ClientHub } from './clients/client-hub.ts';
import { ownUrl, topologyOf, urlOf } from './clients/topology.ts';
import type { NodeConfig } from './config/node-config.ts';
import type { DatabaseDriver } from './driver/database-driver.ts';
import type { DriverPorts } from './driver/driver-ports.ts';
import { CLOSE_CODES } from './links/close-codes.ts';
import { linkTiming } from './links/link-timing.ts';
import { PeerLinks } from './links/peer-links.ts';
import type { NodeMetrics } from './metrics/node-metrics.ts';
import type { NodeReporter } from './node-reporter.ts';
import { SnapshotReceiver } from './snapshots/snapshot-receiver.ts';
import { SnapshotSenders } from './snapshots/snapshot-senders.ts';
import { Switchovers } from './switchovers.ts';
import { TurnEnd } from './turn-end.ts';

export interface NodeNetworkParts {
  readonly config: NodeConfig;
  readonly boot: BootId;
  readonly transport: Transport;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly storeLocation: StoreOptions['location'];
  readonly entries: EntryCodec;
  readonly metrics: NodeMetrics;
  readonly reporter: NodeReporter;
  diskId(): DiskId;
  /** Databases that are open, by name; `default` is the one that peers and snapshots are about. */
  readonly databases: ReadonlyMap<string, DatabaseDriver>;
  onFatal(error: Error): void;
}

/** Every connection of a node, and the way between them and the cores of its databases. */
export class NodeNetwork {
  readonly clients: ClientHub;
  readonly switchovers: Switchovers = new Switchovers();
  readonly #parts: NodeNetworkParts;
  readonly #peers: PeerLinks;
  readonly #senders: SnapshotSenders;
  readonly #receiver: SnapshotReceiver;
  #topologyCheck = false;
  readonly #turnEnd = new TurnEnd();

  constructor(parts: NodeNetworkParts) {
    this.#parts = parts;
    const { config, transport, disk, clock, random, storeLocation, entries, metrics, reporter } = parts;
    const timing = linkTiming(config.timing);
    const { handshakeTimeoutMs } = timing;
    const ownHello = (): PeerHello => this.#ownHello();
    this.clients = new ClientHub({
      node: config.id,
      clock,
      turnEnd: this.#turnEnd,
      limits: config.limits,
      defaultAck: config.defaultAck,
      metrics,
      cluster: () => this.#database?.standing.cluster,
      database: (name) => parts.databases.get(name),
      topology: () => this.#topology(),
      onFatal: (error) => parts.onFatal(error instanceof Error ? error : new Error(String(error))),
    });
    this.#peers = new PeerLinks({
      peers: config.peers.filter(({ id }) => id !== config.id),
      transport,
      clock,
      random,
      turnEnd: this.#turnEnd,
      entries,
      timing,
      bufferedBytesMax: config.limits.peerBufferedBytesMax,
      ownHello,
      onLinkUp: (hello) => this.#onLinkUp(hello),
      onLinkDown: (peer, cause, info) => {
        reporter.linkDown(peer, cause, info);
        for (const database of parts.databases.values()) database.input({ kind: 'linkDown', peer, cause });
      },
      onMessages: (from, frame) => this.#onMessages(from, frame),
      onRefused: (who, refusal) => reporter.linkRefused(who, refusal),
    });
    this.#senders = new SnapshotSenders({
      transport,
      clock,
      random,
      handshakeTimeoutMs,
      ownHello,
      urlOf: (peer) => urlOf(config, peer),
      onProgress: (sentBytes) => this.#database?.imageSent(sentBytes),
      onSent: (peer, position) =>
        this.#database?.input({
          kind: 'snapshotSent',
          peer,
          ...(position === undefined ? {} : { position }),
        }),
      onFailed: (peer, reason) => reporter.snapshotFailed('sending', peer, reason),
    });
    this.#receiver = new SnapshotReceiver({
      disk,
      clock,
      storeLocation,
      handshakeTimeoutMs,
      ownHello,
      newDirectory: () => this.#database?.newStoreDirectory(),
      onReceived: (directory, state) => this.#database?.input({ kind: 'snapshotReceived', directory, state }),
      onRefused: (who, refusal) => reporter.linkRefused(who, refusal),
      onFailed: (peer, reason) => reporter.snapshotFailed('receiving', peer, reason),
    });
  }

  /** Dials the peers. */
  start(): void {
    this.#peers.start();
  }

  accept(connection: Connection): void {
    if (connection.subprotocol === PEER_SUBPROTOCOL) this.#peers.accept(connection);
    else if (connection.subprotocol === SNAPSHOT_SUBPROTOCOL) this.#receiver.accept(connection);
    else this.clients.accept(connection);
  }

  /** Clients first: they go on with another node while this one still says good-bye to its peers. */
  async stop(): Promise<void> {
    this.switchovers.abandon();
    this.clients.closeAll(CLOSE_CODES.stopping, 'the node stops');
    this.#peers.stop(false);
    await this.#senders.cancelAll('the node stops');
    await this.#receiver.stop();
  }

  /** As if the process had died. What others opened is cut with the listener. */
  async abandon(): Promise<void> {
    this.switchovers.abandon();
    this.#peers.stop(true);
    await this.#senders.cancelAll('the node died');
    await this.#receiver.stop();
  }

  /** What the core of `database` wants done beyond its own log and store. */
  portsOf(database: string): DriverPorts {
    const { metrics, reporter } = this.#parts;
    const { clients } = this;
    return {
      send: (to, uid, message, traces) => this.#peers.send(to, uid, message, traces),
      reply: (connection, replies) => clients.reply(connection, replies),
      serve: (reads, store, logTime) => clients.serve(reads, store, logTime),
      refuseReads: (reads) => clients.refuseReads(reads),
      sendSnapshot: (peer) => this.#senders.send(peer, this.#openDatabase(database).store),
      cancelSnapshot: (peer) => this.#senders.cancel(peer),
      snapshotSettled: (directory, taken) => this.#receiver.settle(directory, taken),
      orderDone: (id, error) => this.switchovers.done(id, error),
      notice: (notice) => {
        reporter.notice(database, notice);
        if (notice.kind === 'election') metrics.election();
        this.#checkTopology();
      },
      corrupted: (corruption) => reporter.corrupted(database, corruption),
      storeReplaced: async () => {
        clients.closeScans();
        await this.#senders.cancelAll('the store was replaced');
      },
      failed: (error) => this.#parts.onFatal(error),
      metrics,
    };
  }

  get #database(): DatabaseDriver | undefined {
    return this.#parts.databases.get('default');
  }

  #openDatabase(name: string): DatabaseDriver {
    const database = this.#parts.databases.get(name);
    if (database === undefined) throw new Error(`database ${name} is not open`);
    return database;
  }

  #onLinkUp(hello: PeerHello): void {
    const { node: peer, boot, disk, cluster, voters, exclusion } = hello;
    this.#parts.reporter.linkUp(peer);
    for (const database of this.#parts.databases.values()) {
      database.input({
        kind: 'linkUp',
        peer,
        boot,
        disk,
        voters,
        ...(cluster === undefined ? {} : { cluster }),
        ...(exclusion === undefined ? {} : { exclusion }),
      });
    }
    this.#checkTopology();
  }

  /** A frame names its database; before the cluster has formed, on either side, there is only one it can mean. */
  #onMessages(from: NodeId, { database: uid, messages, traces }: PeerFrame): void {
    const database = this.#database;
    if (database === undefined) return;
    if (uid !== '' && database.uid !== '' && uid !== database.uid) {
      throw new HoldfastError(
        'HOLDFAST_WRONG_CLUSTER',
        `a frame about database ${uid}; this node has ${database.uid}`,
      );
    }
    if (traces !== undefined) database.traces.expect(traces);
    for (const message of messages) database.input({ kind: 'message', from, message });
  }

  #ownHello(): PeerHello {
    const { config, boot } = this.#parts;
    const standing = this.#database?.standing;
    return {
      protocol: PROTOCOL_VERSION,
      node: config.id,
      disk: this.#parts.diskId(),
      boot,
      ...(standing?.cluster === undefined ? {} : { cluster: standing.cluster }),
      voters: config.peers.map(({ id }) => id),
      ...(standing?.exclusion === undefined ? {} : { exclusion: standing.exclusion }),
      clientUrl: ownUrl(config),
      ...(config.zone === undefined ? {} : { zone: config.zone }),
    };
  }

  #topology(): Topology {
    return topologyOf(this.#parts.config, this.#openDatabase('default').standing, (peer) =>
      this.#peers.helloOf(peer),
    );
  }

  /** Once at the end of the turn: the step that gave the notice has not ended. */
  #checkTopology(): void {
    if (this.#topologyCheck) return;
    this.#topologyCheck = true;
    this.#turnEnd.add(() => {
      this.#topologyCheck = false;
      if (this.#database !== undefined) this.clients.topologyChanged();
    });
  }
}
