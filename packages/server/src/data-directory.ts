import { type Disk, DiskError, type DiskId, HoldfastError, type NodeId, type Random } from '@holdfast/types';

/** What names a data directory for good: made once, never changed. */
export interface DirectoryIdentity {
  readonly disk: DiskId;
  readonly node: NodeId;
}

const IDENTITY_FILE = 'identity.json';

/** The paths of one database of a node. */
export interface DatabasePaths {
  readonly directory: string;
  readonly wal: string;
  readonly divergence: string;
}

export function databasePaths(data: string, database: string): DatabasePaths {
  const directory = `${data}/databases/${database}`;
  return { directory, wal: `${directory}/wal`, divergence: `${directory}/divergence.log` };
}

/** Of the directory that is the lock of a data directory; see `lockDirectory`. */
export function lockPath(data: string): string {
  return `${data}/lock`;
}

/** Makes the directory if it is missing and proves that it takes a file. Errors: see `asOpenError`. */
export async function prepareDataDirectory(disk: Disk, data: string): Promise<void> {
  await disk.makeDirectory(data);
  const probe = `${data}/writable`;
  const file = await disk.open(probe, { create: true });
  await file.close();
  await disk.remove(probe);
}

/**
 * Reads the identity of the directory, or makes one. To be called by the holder of the directory only.
 * Refused with HOLDFAST_DATA_DIRECTORY_UNUSABLE if it belongs to another node or cannot be understood.
 */
export async function openIdentity(options: {
  readonly disk: Disk;
  readonly random: Random;
  readonly data: string;
  readonly node: NodeId;
}): Promise<DirectoryIdentity> {
  const { disk, random, data, node } = options;
  const path = `${data}/${IDENTITY_FILE}`;
  if ((await disk.stat(path)) === undefined) return makeIdentity({ disk, random, data, path, node });
  const identity = parseIdentity(path, await readFile(disk, path));
  if (identity.node !== node) {
    throw unusable(
      `${data} belongs to node ${identity.node}, not ${node}: give ${node} a directory of its own`,
    );
  }
  return identity;
}

/** Translates what can go wrong with a directory into an error that a person can act on. */
export function asOpenError(data: string, error: unknown): unknown {
  const disk = diskErrorIn(error);
  if (disk === undefined) return error;
  switch (disk.code) {
    case 'EACCES':
    case 'EROFS':
      return unusable(`${disk.path} cannot be written: ${disk.message}`, error);
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return unusable(`${data} is not a directory that a node can use: ${disk.message}`, error);
    case 'EIO':
      return new HoldfastError('HOLDFAST_DISK_FAILED', `the disk of ${data} fails: ${disk.message}`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** True if there was no room for what the start has to write: worth trying again. */
export function isDiskFull(error: unknown): boolean {
  if (diskErrorIn(error)?.code === 'ENOSPC') return true;
  return error instanceof HoldfastError && error.code === 'HOLDFAST_DISK_FULL';
}

function diskErrorIn(error: unknown): DiskError | undefined {
  let current = error;
  // The chain of causes is short; the bound only keeps a cyclic one from holding the start up.
  for (let depth = 0; depth < 8 && current instanceof Error; depth += 1) {
    if (current instanceof DiskError) return current;
    current = current.cause;
  }
  return undefined;
}

async function makeIdentity(options: {
  readonly disk: Disk;
  readonly random: Random;
  readonly data: string;
  readonly path: string;
  readonly node: NodeId;
}): Promise<DirectoryIdentity> {
  const { disk, random, data, path, node } = options;
  const identity: DirectoryIdentity = { disk: randomName(random) as DiskId, node };
  const temporary = `${path}.new`;
  await disk.remove(temporary);
  const file = await disk.open(temporary, { create: true, exclusive: true });
  try {
    await file.write(0, new TextEncoder().encode(`${JSON.stringify(identity, undefined, 2)}\n`));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(data);
  return identity;
}

async function readFile(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, { readOnly: true });
  try {
    return new TextDecoder().decode(await file.read(0, await file.size()));
  } finally {
    await file.close();
  }
}

function parseIdentity(path: string, text: string): DirectoryIdentity {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(`${path} is damaged; without it the directory cannot be told from another node's`, error);
  }
  const identity = value as Partial<Record<keyof DirectoryIdentity, unknown>> | null;
  const disk = identity?.disk;
  const node = identity?.node;
  if (typeof disk !== 'string' || !/^[0-9a-f]{32}$/.test(disk) || typeof node !== 'string') {
    throw unusable(`${path} does not name a disk and a node`);
  }
  return { disk: disk as DiskId, node: node as NodeId };
}

/** 32 hexadecimal digits. */
export function randomName(random: Random): string {
  return Array.from(random.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unusable(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HOLDFAST_DATA_DIRECTORY_UNUSABLE', message, cause === undefined ? {} : { cause });
}
