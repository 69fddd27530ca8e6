import { type DirectoryLock, lockDirectory, type StoreOptions } from '@holdfast/store';
import {
  type BootId,
  type Clock,
  type Disk,
  type DiskId,
  HoldfastError,
  type Listener,
  type NodeId,
  type Random,
  type Timer,
  type Transport,
  type UpgradeDecision,
  type UpgradeRequest,
} from '@holdfast/types';
import { EntryCodec } from '@holdfast/wire';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ownUrl } from './clients/topology.ts';
import type { NodeConfig } from './config/node-config.ts';
import { asOpenError, isDiskFull, lockPath, prepareDataDirectory, randomName } from './data-directory.ts';
import { DirectoryIdentity } from './directory-identity.ts';
import type { DatabaseDriver } from './driver/database-driver.ts';
import { DRIVER_TUNING, type DriverTuning } from './driver/driver-tuning.ts';
import { type CoreFactory, makeCore, openDatabase } from './driver/open-database.ts';
import { EventRing } from './events/event-ring.ts';
import { type AccessDecision, AccessPolicy, type AccessRequest } from './http/access-policy.ts';
import { buildHttp } from './http/build-http.ts';
import type {
  CallName,
  DivergenceView,
  NodeDigest,
  NodeResults,
  NodeStatus,
  NodeView,
} from './http/node-view.ts';
import { buildLogger } from './logging/node-logger.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import { NodeNetwork } from './node-network.ts';
import { NodeReporter } from './node-reporter.ts';
import { nodeStatus } from './node-status.ts';
import { rehearse } from './rehearsal/rehearse.ts';
import { decideUpgrade } from './upgrade.ts';

export interface NodeSeams {
  readonly transport: Transport;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the database in a store's directory; LevelDB by default. */
  readonly storeLocation?: StoreOptions['location'];
  /** Takes the lock that keeps others out of the data directory; one of LevelDB's by default. */
  readonly lockDirectory?: (path: string) => Promise<DirectoryLock>;
}

export interface NodeOptions {
  readonly logger?: Logger;
  readonly tuning?: Partial<DriverTuning>;
  readonly makeCore?: CoreFactory;
  /** Plays primary to nobody before it joins its peers, so that a failover meets compiled code. */
  readonly rehearses?: boolean;
}

const DEFAULT_DATABASE = 'default';
/** The core gives a hand-over up after one election timeout; a core that says nothing must not hold the stop up. */
const HAND_OVER_TIMEOUTS = 4;

/**
 * One node: its data, its links and its HTTP pages on one port. All decisions are the core's; this class starts
 * the parts in order and stops them in order.
 */
export class Node implements NodeView {
  readonly clock: Clock;
  readonly events: EventRing;
  readonly metrics: NodeMetrics;
  /** Resolves when the node has ended: with the error that ended it, or undefined after `stop`. */
  readonly stopped: Promise<Error | undefined>;
  readonly #config: NodeConfig;
  readonly #seams: NodeSeams;
  readonly #tuning: DriverTuning;
  readonly #makeCore: CoreFactory;
  readonly #boot: BootId;
  readonly #startedAt: number;
  readonly #identity: DirectoryIdentity;
  readonly #entries = new EntryCodec();
  readonly #reporter: NodeReporter;
  readonly #network: NodeNetwork;
  readonly #http: FastifyInstance;
  readonly #databases = new Map<string, DatabaseDriver>();
  /** From before the first look at the data until all of it is closed. */
  #lock: DirectoryLock | undefined;
  #listener: Listener | undefined;
  #access: AccessPolicy | undefined;
  /** Why no database is open yet. */
  #waitsFor = 'the node is starting';
  #retry: Timer | undefined;
  /** Settles when the data is open, or is not: whatever was opened by then is closed if the node has ended. */
  #opening: Promise<unknown> = Promise.resolve();
  #handingOver: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  #resolveStopped!: (error: Error | undefined) => void;

  private constructor(config: NodeConfig, seams: NodeSeams, options: NodeOptions) {
    const { clock, random } = seams;
    this.#config = config;
    this.#seams = seams;
    this.#tuning = { ...DRIVER_TUNING, ...options.tuning };
    this.#makeCore = options.makeCore ?? makeCore;
    this.#boot = randomName(random) as BootId;
    this.#startedAt = clock.now();
    this.#identity = new DirectoryIdentity({ disk: seams.disk, random, data: config.data, node: config.id });
    this.clock = clock;
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.events = new EventRing({ clock, eventsMax: config.limits.eventRingSize });
    this.metrics = new NodeMetrics({ node: config.id, readings: () => this.status() });
    const logger = options.logger ?? buildLogger({ node: config.id, level: config.logLevel });
    this.#reporter = new NodeReporter({ self: config.id, events: this.events, logger, clock });
    this.#network = new NodeNetwork({
      config,
      boot: this.#boot,
      ...seams,
      storeLocation: seams.storeLocation,
      entries: this.#entries,
      metrics: this.metrics,
      reporter: this.#reporter,
      diskId: () => this.#identity.id ?? ('' as DiskId),
      databases: this.#databases,
      onFatal: (error) => this.#onFatal(error),
    });
    this.#http = buildHttp(this, { onFault: (error) => this.#reporter.requestFailed(error) });
  }

  /**
   * Listens, opens the data and joins its peers. With a full disk it resolves all the same: the node is up, serves
   * and promises nothing, and goes on when there is room.
   * Throws a HoldfastError: PORT_IN_USE, DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE, WRONG_CLUSTER,
   * INVALID_CONFIGURATION, DISK_FAILED, CORRUPT_LOG.
   */
  static async start(config: NodeConfig, seams: NodeSeams, options: NodeOptions = {}): Promise<Node> {
    const node = new Node(config, seams, options);
    try {
      if (options.rehearses === true) await rehearse(config);
      await node.#http.ready();
      await node.#listen();
      await node.#open();
    } catch (error) {
      await node.#end(() => node.#network.abandon(), undefined);
      throw error;
    }
    return node;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get divergence(): DivergenceView {
    return this.#database.divergence;
  }

  status(): NodeStatus {
    return nodeStatus({
      config: this.#config,
      boot: this.#boot,
      disk: this.#identity.id,
      uptimeMs: this.clock.now() - this.#startedAt,
      connections: this.#network.clients.size,
      lanes: this.#network.clients.lanes,
      database: this.#databases.get(DEFAULT_DATABASE),
      waitsFor: this.#waitsFor,
      stopping: this.#ending !== undefined,
    });
  }

  async digest(): Promise<NodeDigest> {
    return await this.#database.store.digest();
  }

  results(calls: readonly CallName[]): NodeResults {
    const database = this.#database;
    const { serving, appliedRevision: revision } = database.status();
    if (!serving) throw new HoldfastError('HOLDFAST_NOT_READY', 'the node reads its log again');
    return {
      revision,
      results: calls.map(({ session, sequence }) => database.sequenceKind(session, sequence)),
    };
  }

  async switchover(target?: NodeId): Promise<void> {
    await this.#network.switchovers.order(this.#database, target);
  }

  isAllowed(request: AccessRequest): AccessDecision {
    return this.#access?.isAllowed(request) ?? { allowed: false, reason: 'the node is starting' };
  }

  /**
   * Ends the node in order: hands the primary role over if it has it (unless told not to), lets clients go on
   * elsewhere, marks the log, closes everything. Resolves when all of that is done. Called again meanwhile it waits
   * for the same, but for a hand-over under way if it is told not to.
   */
  async stop(options: { readonly handOver?: boolean } = {}): Promise<void> {
    if (this.#ending === undefined) {
      if (this.#handingOver === undefined) this.#reporter.stopping('ordered');
      if (options.handOver !== false) {
        this.#handingOver ??= this.#handOver();
        await this.#handingOver;
      }
    }
    await this.#end(async () => {
      await this.#network.stop();
      for (const database of this.#databases.values()) await database.stop();
    }, undefined);
  }

  /** Ends the node as a crash would: nothing is handed over and nobody is told. For tests and simulation. */
  async crash(): Promise<void> {
    await this.#abandon(undefined);
  }

  get #database(): DatabaseDriver {
    const database = this.#databases.get(DEFAULT_DATABASE);
    if (database === undefined) throw new HoldfastError('HOLDFAST_NOT_READY', this.#waitsFor);
    return database;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#config.listen;
    try {
      this.#listener = await this.#seams.transport.listen({
        host,
        port,
        decide: (request) => this.#decide(request),
        onConnection: (connection) => this.#network.accept(connection),
        onRequest: (request, response) => this.#http.routing(request, response),
      });
    } catch (error) {
      throw asListenError(error, `${host}:${port}`);
    }
    this.#access = new AccessPolicy(this.#config, this.#listener.port);
  }

  #decide(request: UpgradeRequest): UpgradeDecision {
    return decideUpgrade(request, {
      isAllowed: (access) => this.isAllowed(access),
      unavailable: () => this.#whyUnavailable(),
      clientsFull: this.#network.clients.isFull,
    });
  }

  #whyUnavailable(): string | undefined {
    if (this.#ending !== undefined) return 'the node stops';
    return this.#databases.size === 0 ? this.#waitsFor : undefined;
  }

  #open(): Promise<void> {
    const opened = this.#openData();
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  async #openData(): Promise<void> {
    const { data } = this.#config;
    let database: DatabaseDriver;
    try {
      await prepareDataDirectory(this.#seams.disk, data);
      this.#lock ??= await this.#lockDirectory(lockPath(data));
      database = await this.#openDatabase(DEFAULT_DATABASE);
    } catch (error) {
      if (!isDiskFull(error)) throw asOpenError(data, error);
      this.#openLater(`the disk of ${data} is full`);
      return;
    }
    if (this.#ending !== undefined) {
      await database.abandon();
      return;
    }
    this.#databases.set(DEFAULT_DATABASE, database);
    this.#reporter.started({ url: ownUrl(this.#config), disk: this.#identity.id ?? '', boot: this.#boot });
    const { damagedBytes } = database.divergence;
    if (damagedBytes > 0) this.#reporter.divergenceDamaged(damagedBytes);
    database.start();
    this.#network.start();
  }

  #lockDirectory(path: string): Promise<DirectoryLock> {
    const { disk, lockDirectory: lock } = this.#seams;
    return lock === undefined ? lockDirectory(disk, path) : lock(path);
  }

  #openLater(reason: string): void {
    this.#waitsFor = reason;
    if (this.#ending !== undefined) return;
    this.#reporter.diskFullAtStart(reason);
    this.#retry = this.clock.setTimer(this.#tuning.diskCheckMs, () => {
      this.#open().catch((error: unknown) =>
        this.#onFatal(error instanceof Error ? error : new Error(String(error))),
      );
    });
  }

  #openDatabase(name: string): Promise<DatabaseDriver> {
    const { disk, clock, random, storeLocation } = this.#seams;
    const config = this.#config;
    return openDatabase({
      name,
      config,
      disk,
      clock,
      random,
      storeLocation,
      entries: this.#entries,
      tuning: this.#tuning,
      makeCore: this.#makeCore,
      ports: this.#network.portsOf(name),
      identity: this.#identity,
    });
  }

  async #handOver(): Promise<void> {
    const database = this.#databases.get(DEFAULT_DATABASE);
    // A cluster of one has nobody to hand over to, which is no failure to do so.
    if (database?.standing.role !== 'primary' || this.#config.peers.length === 1) return;
    const givenUp = Promise.withResolvers<void>();
    const timer = this.clock.setTimer(HAND_OVER_TIMEOUTS * this.#config.timing.electionTimeoutMs, () =>
      givenUp.reject(new HoldfastError('HOLDFAST_SWITCHOVER_FAILED', 'no answer in time')),
    );
    try {
      await Promise.race([this.#network.switchovers.order(database, undefined), givenUp.promise]);
    } catch (error) {
      this.#reporter.handOverFailed(error as Error);
    } finally {
      timer.cancel();
    }
  }

  #onFatal(error: Error): void {
    if (this.#ending !== undefined) return;
    this.#reporter.failed(error);
    void this.#abandon(error);
  }

  #abandon(error: Error | undefined): Promise<void> {
    return this.#end(async () => {
      // All at once: each first stops, in this turn, and only then waits for what it had begun.
      const databases = [...this.#databases.values()].map((database) => database.abandon());
      await Promise.all([...databases, this.#network.abandon(), this.#listener?.close()]);
    }, error);
  }

  /** Once; whoever comes later waits for the first. */
  #end(work: () => Promise<void>, error: Error | undefined): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    const ended = Promise.withResolvers<void>();
    // Before it begins: what it ends may itself find a reason to end the node.
    this.#ending = ended.promise;
    this.#endOnce(work, error).then(ended.resolve, ended.reject);
    return ended.promise;
  }

  async #endOnce(work: () => Promise<void>, error: Error | undefined): Promise<void> {
    this.#retry?.cancel();
    try {
      await work();
    } finally {
      await this.#opening;
      await this.#lock?.release();
      await this.#http.close();
      await this.#listener?.close();
      this.#resolveStopped(error);
    }
  }
}

function asListenError(error: unknown, address: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new HoldfastError('HOLDFAST_PORT_IN_USE', `another process listens on ${address}`, {
      cause: error,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    return new HoldfastError(
      'HOLDFAST_INVALID_CONFIGURATION',
      `this machine cannot listen on ${address} (${code})`,
      {
        cause: error,
      },
    );
  }
  return error;
}
