import { Core, type CoreApi, type CoreConfig, type RecoveredState } from '@holdfast/core';
import { DivergenceFile, type StoreOptions } from '@holdfast/store';
import { type Clock, type Disk, type DiskId, HoldfastError, type NodeId, type Random } from '@holdfast/types';
import { Wal } from '@holdfast/wal';
import type { EntryCodec } from '@holdfast/wire';
import type { NodeConfig } from '../config/node-config.ts';
import { databasePaths, isDiskFull, randomName } from '../data-directory.ts';
import type { DirectoryIdentity } from '../directory-identity.ts';
import { LogTraces } from '../tracing/log-traces.ts';
import { corruptionOfLog, corruptionOfStore } from './corruption.ts';
import { DatabaseDriver } from './database-driver.ts';
import type { DriverPorts } from './driver-ports.ts';
import type { DriverTuning } from './driver-tuning.ts';
import { removeLeftovers, StoreSlot } from './store-slot.ts';

/** Makes the core of a database; tests may put in one of their own. */
export type CoreFactory = (config: CoreConfig, recovered: RecoveredState, now: number) => CoreApi;

export const makeCore: CoreFactory = (config, recovered, now) => new Core(config, recovered, now);

export interface OpenDatabaseOptions {
  readonly name: string;
  readonly config: NodeConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly entries: EntryCodec;
  readonly tuning: DriverTuning;
  readonly storeLocation: StoreOptions['location'];
  readonly makeCore: CoreFactory;
  /** Opened once this node has the database to itself. */
  readonly identity: DirectoryIdentity;
  readonly ports: DriverPorts;
}

/** Opens log, store and divergence file of one database and puts the driver on top. Nothing runs before `start`. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<DatabaseDriver> {
  try {
    return await openParts(options);
  } catch (error) {
    // The next try may find room then; this one says what was wrong.
    if (isDiskFull(error)) await makeRoom(options).catch(() => undefined);
    throw error;
  }
}

/** What fills the disk may be a snapshot that was cut off, which is removed only once all is open. */
async function makeRoom(options: OpenDatabaseOptions): Promise<void> {
  const { disk } = options;
  const paths = databasePaths(options.config.data, options.name);
  await removeLeftovers({ disk, databaseDirectory: paths.directory }, async () =>
    Wal.readBase({ disk, directory: paths.wal, diskId: await options.identity.open() }),
  );
}

async function openParts(options: OpenDatabaseOptions): Promise<DatabaseDriver> {
  const { name, config, disk, clock, random, entries, ports } = options;
  const paths = databasePaths(config.data, name);
  let driver: DatabaseDriver | undefined;
  let logIsFull = false;
  /** What the log prepares in the background may fail while the rest is opened. */
  let logFailure: Error | undefined;
  const late = (): DatabaseDriver => {
    if (driver === undefined) throw new Error(`database ${name} is not open yet`);
    return driver;
  };

  const stores = await StoreSlot.lock({
    databaseDirectory: paths.directory,
    ...(options.storeLocation === undefined ? {} : { location: options.storeLocation }),
    disk,
    clock,
    onFailure: (error, isDamage) => {
      // The message names the file.
      if (isDamage) ports.corrupted({ what: 'store', where: paths.directory, reason: error.message });
      driver?.storeFailed(error);
    },
  });
  let opened: Wal | undefined;
  try {
    let diskId = await options.identity.open();
    const { wal, recovered, damaged } = await Wal.open({
      disk,
      clock,
      random,
      directory: paths.wal,
      diskId,
      newDiskId: async () => {
        diskId = await options.identity.logIsMissing();
        return diskId;
      },
      segmentBytes: config.segmentBytes,
      codec: entries,
      onDurable: (ticket) => late().input({ kind: 'persisted', ticket }),
      onFailure: (error) => {
        logFailure = error;
        driver?.fail(error);
      },
      onDiskFull: (full) => {
        logIsFull = full;
        driver?.logIsFull(full);
      },
      onSync: (durationMs) => ports.metrics.sync(durationMs),
    });
    opened = wal;
    refuseOtherVoters(config, recovered.genesis?.voters);
    const slot = await stores.choose(recovered.baseDirectory);
    const divergence = await DivergenceFile.open({
      disk,
      path: paths.divergence,
      onFailure: (error) => driver?.fail(error),
    });
    if (logFailure !== undefined) throw logFailure;
    const { state, usable } = slot.recovered;
    // What the store lacks must still be in the log: re-applying begins after the checkpoint.
    const storeUsable = usable && state.checkpoint.index + 1 >= recovered.first;
    const core = options.makeCore(
      {
        self: config.id,
        disk: diskId,
        voters: config.peers.map((peer) => peer.id),
        database: name,
        timing: config.timing,
        limits: config.limits,
        seed: Math.floor(random.next() * 2 ** 32),
        genesisNames: { cluster: randomName(random), database: randomName(random) },
      },
      { log: recovered, store: state, storeUsable },
      clock.now(),
    );
    driver = new DatabaseDriver({
      name,
      core,
      wal,
      slot,
      divergence,
      recovered,
      logIsFull,
      disk,
      directory: paths.directory,
      clock,
      tuning: options.tuning,
      recentBytesMax: config.limits.watchRecentBytesMax,
      ports,
      traces: new LogTraces(config.id),
    });
    for (const corruption of [
      corruptionOfLog(paths.wal, { holes: recovered.holes, damaged }),
      corruptionOfStore(slot.directory, slot.recovered, recovered.first),
    ])
      if (corruption !== undefined) ports.corrupted(corruption);
    return driver;
  } catch (error) {
    await Promise.allSettled([opened?.close(), stores.close()]);
    throw error;
  }
}

/** The list of nodes is fixed when the cluster forms; another list is a mistake, told before anything starts. */
function refuseOtherVoters(config: NodeConfig, voters: Readonly<Record<string, DiskId>> | undefined): void {
  if (voters === undefined) return;
  const formed = Object.keys(voters).sort();
  const configured: NodeId[] = config.peers.map((peer) => peer.id);
  if (formed.length === configured.length && formed.every((id, position) => id === configured[position]))
    return;
  throw new HoldfastError(
    'HOLDFAST_WRONG_CLUSTER',
    `the cluster in ${config.data} formed with the nodes ${formed.join(', ')}; this start names ${configured.join(', ')}`,
  );
}
