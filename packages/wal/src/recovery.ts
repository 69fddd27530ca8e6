import { dirname } from 'node:path';
import {
  assert,
  type Disk,
  DiskError,
  type DiskId,
  isDiskError,
  type LostBytes,
  type Ticket,
} from '@holdfast/types';
import { concatBytes } from './bytes.ts';
import { frameSeed } from './frame.ts';
import { GroupLayout, markHeader } from './group-layout.ts';
import type { LogContent } from './log-content.ts';
import type { LogBase, LogState } from './log-state.ts';
import { type Replay, replay, unreadableEnd } from './recovery-replay.ts';
import { type SegmentFiles, usingWholeFile } from './segment-files.ts';
import { encodeSegmentHead } from './segment-head.ts';
import { type ScannedFrame, type SegmentScan, scanSegment } from './segment-scan.ts';

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly diskId: DiskId;
  readonly files: SegmentFiles;
}

/** A log read back: all of it is on stable storage, in segments that nobody writes to any more. */
export interface Recovery {
  readonly content: LogContent;
  readonly state: LogState;
  readonly ticket: Ticket;
  readonly segments: readonly number[];
  /** No segment of this number or above was ever used. */
  readonly nextSegment: number;
  readonly reserve: boolean;
  /** Nothing was ever written here and reported durable, or all of it was taken away. */
  readonly empty: boolean;
  /** Something is missing that was synced, though entries need not be. */
  readonly damaged: boolean;
}

/**
 * Reads a log and makes what it found durable: the segment in which it ends is copied up to there into a
 * new file that takes its place. A crash at any point leaves a log that reads the same.
 * Throws DiskError, with the log as it was: ENOSPC if the copy finds no room even in that of the reserve, EIO if the
 * disk fails to read where the log may go on. It may read it the next time, and what stands there was promised.
 */
export async function recover(options: RecoveryOptions): Promise<Recovery> {
  const { disk, files } = options;
  await disk.makeDirectory(files.directory);
  await syncParents(disk, files.directory);
  const found = files.sort(await disk.list(files.directory));
  for (const path of found.temporaries) await disk.remove(path);
  const scans = await scanAll(options, found.segments);
  const used = usedOf(scans);
  const nextSegment = (used.at(-1)?.segment ?? 0) + 1;
  let read = replay(used);
  const unreadable = unreadableEnd(scans, read);
  if (unreadable !== undefined) throw unreadableError(files.segment(unreadable.segment));
  // The reserve is made when the first segment stands: segments have been taken away.
  const exclusion =
    read.hardStateLost || (used.length === 0 && found.reserve) ? 'hard-state-lost' : undefined;
  const empty = used.length === 0 && !found.reserve;
  const damaged = read.damaged || exclusion !== undefined;
  const state = { ...read.state, exclusion: read.state.exclusion ?? exclusion };
  let { reserve } = found;
  if (used.length > 0) {
    const copied = await replaceTail(options, { ...read, state }, reserve);
    reserve = copied.reserve;
    const sealed = used.filter(({ segment }) => segment < read.tailSegment);
    const again = replay([...sealed, copied.scan]);
    assert(again.ticket === read.ticket, 'a recovered log reads as it was found');
    assert(!again.hardStateLost || state.exclusion !== undefined, 'recovery loses no state');
    read = again;
  }
  for (const number of found.segments)
    if (number > read.tailSegment) await disk.remove(files.segment(number));
  await disk.syncDirectory(files.directory);
  const segments = used.map(({ segment }) => segment).filter((segment) => segment <= read.tailSegment);
  return {
    content: read.content,
    state,
    ticket: read.ticket,
    segments,
    nextSegment,
    reserve,
    empty,
    damaged,
  };
}

/**
 * What the log is based on, by what can be read of it, without a write: for who has no room to open it. Until the log
 * is written to, a crash takes that back to an earlier base at the most. Undefined if damage may hide a later one.
 */
export async function readBase(options: RecoveryOptions): Promise<LogBase | undefined> {
  const { disk, files } = options;
  const { segments } = files.sort(await disk.list(files.directory));
  const scans = await scanAll(options, segments);
  const read = replay(usedOf(scans));
  const isKnown = !read.damaged && !read.hardStateLost && unreadableEnd(scans, read) === undefined;
  return isKnown ? read.state.base : undefined;
}

async function scanAll(options: RecoveryOptions, segments: readonly number[]): Promise<SegmentScan[]> {
  const scans: SegmentScan[] = [];
  for (const number of segments) scans.push(await scan(options, number));
  return scans;
}

/** Up to the last segment that was ever written to. */
function usedOf(scans: readonly SegmentScan[]): SegmentScan[] {
  return scans.slice(0, scans.findLastIndex(({ usedBytes }) => usedBytes > 0) + 1);
}

function unreadableError(path: string): DiskError {
  return new DiskError('EIO', path, `the end of the log in ${path} cannot be read`);
}

/** An earlier run may have made any of them and ended before it was synced. */
async function syncParents(disk: Disk, directory: string): Promise<void> {
  const parent = dirname(directory);
  if (parent === directory) return;
  try {
    await disk.syncDirectory(parent);
  } catch (error) {
    // Who may not even list it has not made anything in it.
    if (!isDiskError(error, 'EACCES')) throw error;
  }
  await syncParents(disk, parent);
}

async function scan(options: RecoveryOptions, segment: number): Promise<SegmentScan> {
  const path = options.files.segment(segment);
  return usingSegment(options, segment, (bytes, lost) =>
    scanSegment(bytes, { disk: options.diskId, segment, path }, lost),
  );
}

/** See `usingWholeFile`. */
async function usingSegment<Result>(
  { disk, files }: RecoveryOptions,
  segment: number,
  use: (bytes: Uint8Array, lost: readonly LostBytes[]) => Result,
): Promise<Result> {
  const file = await disk.open(files.segment(segment), { readOnly: true });
  try {
    return await usingWholeFile(file, use);
  } finally {
    await file.close();
  }
}

/** What can be read of a file is not thereby on stable storage, and a sync may pass over what an earlier one lost. */
async function replaceTail(
  options: RecoveryOptions,
  read: Replay,
  reserve: boolean,
): Promise<{ scan: SegmentScan; reserve: boolean }> {
  const { disk, files } = options;
  const temporary = files.temporary(read.tailSegment);
  const path = files.segment(read.tailSegment);
  const bytes = await usingSegment(options, read.tailSegment, (old, lost) => {
    // It could be read a moment ago: a copy without it would be all that is left.
    if (read.tailFrames.some((frame) => isHit(frame, lost))) throw unreadableError(path);
    return composeTail(options, read, old);
  });
  let reserveLeft = reserve;
  try {
    await writeFile(disk, temporary, bytes);
  } catch (error) {
    await disk.remove(temporary);
    if (!isDiskError(error, 'ENOSPC') || !reserve) throw error;
    await disk.remove(files.reserve);
    reserveLeft = false;
    await writeFile(disk, temporary, bytes);
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(files.directory);
  const copy = await scan(options, read.tailSegment);
  if (copy.lost.length > 0) throw unreadableError(path);
  return { scan: copy, reserve: reserveLeft };
}

function isHit({ payloadOffset, header }: ScannedFrame, lost: readonly LostBytes[]): boolean {
  return lost.some(({ from, to }) => from < payloadOffset + header.payloadBytes && to > payloadOffset);
}

async function writeFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, { create: true });
  try {
    await file.write(0, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Head, every frame of the `old` segment that counts, and a mark that calls all of it synced. */
function composeTail(options: RecoveryOptions, read: Replay, old: Uint8Array): Uint8Array {
  const segment = read.tailSegment;
  const head = encodeSegmentHead({
    disk: options.diskId,
    segment,
    firstTicket: read.tailFirstTicket,
    state: read.tailState,
  });
  const layout = new GroupLayout(head.byteLength);
  for (const { header, payloadOffset } of read.tailFrames) {
    const payload = old.subarray(payloadOffset, payloadOffset + header.payloadBytes);
    layout.add(header, { parts: [payload], byteLength: payload.byteLength });
  }
  const marked = new GroupLayout(layout.end);
  marked.add(markHeader(read.state, read.ticket), { parts: [], byteLength: 0 });
  const seed = frameSeed(options.diskId, segment);
  return concatBytes(head, layout.compose(seed), marked.compose(seed));
}
