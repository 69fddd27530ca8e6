import type { DiskId } from '@holdfast/types';
import { scanSegment } from '@holdfast/wal';
import { DATABASE } from '../../src/faults/data-paths.ts';
import { pick } from '../../src/run/draw.ts';
import type { SimRandom } from '../../src/sim-random.ts';

type Files = Map<string, Uint8Array>;

/** What befalls a directory that nobody uses at the time. */
const KINDS = [
  'bit',
  'bitOfIdentity',
  'bitOfLog',
  'bitOfLog',
  'sectorOfLog',
  'stretchOfLog',
  'stretchOfLog',
  'bitOfStore',
  'sectorOfStore',
  'fileOfStore',
  'log',
  'store',
  'disk',
] as const;

export type DamageKind = (typeof KINDS)[number];

/** What may befall files that a node has open. */
export const AT_WORK: readonly DamageKind[] = KINDS.filter((kind) => /^(bit|sector|stretch)/.test(kind));

const SECTOR_BYTES = 512;
/** Frames of a log begin anew every 4096 bytes. */
const STRETCH_SECTORS_MAX = 64;
const OF_STORE = /\/store(-\d+)?\//;
const SEGMENT = /\/wal\/(\d{10})\.wal$/;

/** Files as damage leaves them, wherever it falls. Undefined: there is nothing of the kind that was drawn. */
export function damaged(
  files: ReadonlyMap<string, Uint8Array>,
  { random, kinds = KINDS }: { readonly random: SimRandom; readonly kinds?: readonly DamageKind[] },
): Damaged | undefined {
  const kind = pick(random, kinds);
  const left: Files = new Map([...files].map(([path, bytes]) => [path, bytes.slice()]));
  return strike(left, kind, random) ? { kind, files: left } : undefined;
}

export interface Damaged {
  readonly kind: DamageKind;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** False: there is nothing of that kind. */
function strike(files: Files, kind: DamageKind, random: SimRandom): boolean {
  switch (kind) {
    case 'bit':
      return flip(files, pathsOf(files, /./), random);
    case 'bitOfIdentity':
      return flip(files, pathsOf(files, /identity/), random);
    case 'bitOfLog':
      return flip(files, pathsOf(files, SEGMENT), random);
    case 'bitOfStore':
      return flip(files, pathsOf(files, OF_STORE), random);
    case 'sectorOfLog':
      return lose(files, pathsOf(files, SEGMENT), { random, sectorsMax: 1 });
    case 'stretchOfLog':
      return lose(files, pathsOf(files, SEGMENT), { random, sectorsMax: STRETCH_SECTORS_MAX });
    case 'sectorOfStore':
      return lose(files, pathsOf(files, OF_STORE), { random, sectorsMax: 1 });
    case 'fileOfStore': {
      const paths = pathsOf(files, OF_STORE);
      return paths.length > 0 && files.delete(pick(random, paths));
    }
    case 'log':
      return files.has(`${DATABASE}/wal/reserve`) && take(files, pathsOf(files, SEGMENT));
    case 'store':
      return take(files, pathsOf(files, OF_STORE));
    case 'disk':
      files.clear();
      return true;
  }
}

function pathsOf(files: Files, pattern: RegExp): string[] {
  return [...files].flatMap(([path, { length }]) => (pattern.test(path) && length > 0 ? [path] : []));
}

function take(files: Files, paths: readonly string[]): boolean {
  for (const path of paths) files.delete(path);
  return paths.length > 0;
}

function flip(files: Files, paths: readonly string[], random: SimRandom): boolean {
  const place = placeIn(files, paths, random);
  if (place === undefined) return false;
  place.bytes[place.at]! ^= 1 << Math.floor(random.next() * 8);
  return true;
}

function lose(
  files: Files,
  paths: readonly string[],
  { random, sectorsMax }: { readonly random: SimRandom; readonly sectorsMax: number },
): boolean {
  const place = placeIn(files, paths, random);
  if (place === undefined) return false;
  const from = Math.floor(place.at / SECTOR_BYTES);
  const count = 1 + Math.floor(random.next() * sectorsMax);
  place.bytes.fill(0, from * SECTOR_BYTES, (from + count) * SECTOR_BYTES);
  return true;
}

/** Of a file, of the newest half the time, where something was written: most of a log is room between frames. */
function placeIn(
  files: Files,
  paths: readonly string[],
  random: SimRandom,
): { readonly bytes: Uint8Array; readonly at: number } | undefined {
  const path = random.next() < 0.5 ? paths.at(-1) : pick(random, paths);
  const bytes = path === undefined ? undefined : files.get(path);
  if (bytes === undefined) return undefined;
  const written = [...bytes.keys()].filter((at) => bytes[at] !== 0);
  return written.length === 0 ? undefined : { bytes, at: pick(random, written) };
}

/**
 * Every frame of the log that is lost is one that what is left of it calls synced; or nothing is left at all. What was
 * written last, and is not called synced by anything that is left, cannot be told from a torn tail (a stated limit).
 */
export function isTold(
  before: ReadonlyMap<string, Uint8Array>,
  after: ReadonlyMap<string, Uint8Array>,
): boolean {
  const was = readFrames(before, before);
  const left = readFrames(before, after);
  if (left.tickets.size === 0) return true;
  return [...was.tickets].every((ticket) => left.tickets.has(ticket) || ticket <= left.synced);
}

/** Of the frames that are sound, and what they, and the heads of segments, call synced. */
function readFrames(
  origin: ReadonlyMap<string, Uint8Array>,
  files: ReadonlyMap<string, Uint8Array>,
): { readonly tickets: ReadonlySet<number>; readonly synced: number } {
  const identity = origin.get('/data/identity.json')!;
  const { disk } = JSON.parse(Buffer.from(identity).toString()) as { disk: DiskId };
  const tickets = new Set<number>();
  let synced = 0;
  for (const [path, bytes] of files) {
    const number = SEGMENT.exec(path)?.[1];
    if (number === undefined) continue;
    const { head, frames } = scanSegment(bytes, { disk, segment: Number(number), path });
    if (head !== undefined) synced = Math.max(synced, head.firstTicket - 1);
    for (const { header, record } of frames) {
      synced = Math.max(synced, header.synced);
      if (record !== undefined || header.payloadBytes === 0) tickets.add(header.ticket);
    }
  }
  return { tickets, synced };
}
