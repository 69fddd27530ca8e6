import type { DiskId, Random } from '@holdfast/types';
import { type SegmentScan, scanSegment } from '@holdfast/wal';
import type { SimMachine } from '../cluster/sim-machine.ts';
import type { Watch } from '../run/watch.ts';
import type { SimDisk } from '../sim-disk.ts';
import { DATABASE, IDENTITY } from './data-paths.ts';

interface Place {
  readonly path: string;
  readonly position: number;
  readonly length: number;
}

type Frame = SegmentScan['frames'][number] & {
  readonly path: string;
  readonly from: number;
  readonly to: number;
};

const HEADER_BYTES = 144;
const SECTOR_BYTES = 512;

/**
 * Where `length` bytes of a log may be lost, each a draw within one frame. What the log calls synced must go on to be
 * called so by what is left: read from the frames themselves, and not from what the product makes of them.
 */
export function damageablePlaces(
  machine: SimMachine,
  watch: Watch,
  length: number,
): ((random: Random) => Place)[] {
  const core = watch.coreOf(machine.id);
  if (core === undefined) return [];
  const { scans, frames } = readLog(machine.disk);
  const durable = core.context.persists.completed;
  return frames
    .filter((frame) => {
      const hit = frames.filter((other) => overlaps(other, frame, length));
      return hit.every((one) => holdsCommitted(one, watch)) && isFound(scans, frames, { hit, durable });
    })
    .map((frame) => (random) => placeIn(frame, length, random));
}

/** Whatever loss of power comes on top of it: a frame that was synced, and stays, calls synced what is lost there. */
export function isToldOf(machine: SimMachine, watch: Watch, { path, position, length }: Place): boolean {
  const core = watch.coreOf(machine.id);
  if (core === undefined) return false;
  const { scans, frames } = readLog(machine.disk.afterCrash({ keep: 'synced' }));
  const hit = frames.filter(
    (frame) => frame.path === path && frame.from < position + length && frame.to > position,
  );
  return isFound(scans, frames, { hit, durable: core.context.persists.completed });
}

function readLog(disk: SimDisk): { scans: SegmentScan[]; frames: Frame[] } {
  const scans: SegmentScan[] = [];
  const frames: Frame[] = [];
  const identity = disk.files('/data').get(IDENTITY);
  if (identity === undefined) return { scans, frames };
  const { disk: id } = JSON.parse(Buffer.from(identity).toString()) as { disk: DiskId };
  for (const [path, bytes] of disk.files(`${DATABASE}/wal`)) {
    const number = /(\d{10})\.wal$/.exec(path)?.[1];
    if (number === undefined) continue;
    const scan = scanSegment(bytes, { disk: id, segment: Number(number), path });
    scans.push(scan);
    for (const frame of scan.frames) {
      const from = frame.payloadOffset - HEADER_BYTES;
      frames.push({ ...frame, path, from, to: frame.payloadOffset + frame.header.payloadBytes });
    }
  }
  return { scans, frames };
}

/** Which frames a loss in this one may hit: a sector reaches into its neighbours. */
function overlaps(other: Frame, frame: Frame, length: number): boolean {
  const slack = length === 1 ? 0 : SECTOR_BYTES;
  return other.path === frame.path && other.from < frame.to + slack && other.to > frame.from - slack;
}

/** Every ticket that is missing then is at or below one that is still called synced. */
function isFound(
  scans: readonly SegmentScan[],
  frames: readonly Frame[],
  loss: { readonly hit: readonly Frame[]; readonly durable: number },
): boolean {
  const left = frames.filter((frame) => !loss.hit.includes(frame));
  const heads = scans.flatMap(({ head }) => (head === undefined ? [] : [head.firstTicket - 1]));
  const synced = Math.max(0, ...heads, ...left.map(({ header }) => header.synced));
  const sound = new Set(left.flatMap(({ header, record }) => (record === undefined ? [] : [header.ticket])));
  for (let ticket = loss.durable; ticket > synced; ticket -= 1)
    if (!sound.has(ticket as (typeof left)[number]['header']['ticket'])) return false;
  return loss.hit.every(({ header }) => header.ticket <= synced);
}

/** What only this node may hold must not go: whether it was acknowledged, or has to be listed. */
function holdsCommitted({ record }: Frame, { stateMachine }: Watch): boolean {
  if (record === undefined || !('places' in record)) return true;
  return record.places.every(({ index, term }) => stateMachine.termAt(index) === term);
}

function placeIn(frame: Frame, length: number, random: Random): Place {
  const at = frame.from + Math.floor(random.next() * (frame.to - frame.from));
  if (length === 1) return { path: frame.path, position: at, length };
  return { path: frame.path, position: at - (at % length), length };
}
