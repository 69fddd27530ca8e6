import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FRAME_MAGIC = Buffer.from('HfF1', 'latin1');
const FRAME_HEADER_BYTES = 144;
const KIND_OFFSET = 8;
const LENGTH_OFFSET = 12;
const ENTRIES_KIND = 0;
const MARK_KIND = 5;
const SECTOR_BYTES = 512;
/** Both copies of a head take two blocks at least. */
const HEAD_BYTES = 8192;

/** Segments of a node's log as files, with ways to damage them. Damage is for when the node does not run. */
export class WalFiles {
  /** Those that were ever written to, oldest first; the last is the one that the log ends in. */
  readonly segments: readonly string[];

  constructor(data: string) {
    const directory = join(data, 'databases/default/wal');
    this.segments = readdirSync(directory)
      .filter((name) => name.endsWith('.wal'))
      .sort()
      .map((name) => join(directory, name))
      .filter((path) => usedBytesOf(readFileSync(path)) > 0);
    if (this.segments.length < 4) throw new Error(`only ${this.segments.length} segments in ${directory}`);
  }

  /** `at` from 0, the oldest, to 1, the last before the one in which the log ends. */
  sealed(at: number): string {
    return this.segments[Math.round(at * (this.segments.length - 2))]!;
  }

  get unsealed(): string {
    return this.segments.at(-1)!;
  }

  /** One bit of the record at `at`, from 0, the first in the segment, to 1, the last. */
  flipBit(path: string, at: number): void {
    change(path, (bytes) => {
      const { start, length } = recordAt(bytes, at);
      bytes[start + (length >> 1)]! ^= 0x10;
    });
  }

  /** The sector that holds the head of the record at `at`. */
  loseSector(path: string, at: number): void {
    change(path, (bytes) => {
      const sector = Math.floor(recordAt(bytes, at).start / SECTOR_BYTES);
      bytes.fill(0, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    });
  }

  loseHead(path: string): void {
    change(path, (bytes) => bytes.fill(0, 0, HEAD_BYTES));
  }

  loseFile(path: string): void {
    rmSync(path);
  }

  /** Cuts the last part, from `at` of what was written. */
  truncate(path: string, at: number): void {
    const used = usedBytesOf(readFileSync(path));
    truncateSync(path, Math.floor(at * used));
  }

  /** An idle log says in a mark that all of it is synced. */
  get endsInMark(): boolean {
    const bytes = readFileSync(this.unsealed);
    return bytes[bytes.lastIndexOf(FRAME_MAGIC) + KIND_OFFSET] === MARK_KIND;
  }

  /** The last frame, as if it had never been written. */
  zeroLastFrame(path: string): void {
    change(path, (bytes, used) => bytes.fill(0, bytes.lastIndexOf(FRAME_MAGIC), used));
  }
}

function change(path: string, edit: (bytes: Buffer, usedBytes: number) => void): void {
  const bytes = readFileSync(path);
  edit(bytes, usedBytesOf(bytes));
  writeFileSync(path, bytes);
}

/** Where the entries of a frame lie. */
function recordAt(bytes: Buffer, at: number): { start: number; length: number } {
  const records: { start: number; length: number }[] = [];
  for (let frame = bytes.indexOf(FRAME_MAGIC); frame !== -1; frame = bytes.indexOf(FRAME_MAGIC, frame + 1)) {
    const length = bytes.readUInt32LE(frame + LENGTH_OFFSET);
    if (bytes[frame + KIND_OFFSET] === ENTRIES_KIND && length > 0)
      records.push({ start: frame + FRAME_HEADER_BYTES, length });
  }
  const record = records[Math.round(at * (records.length - 1))];
  if (record === undefined) throw new Error('the segment holds no entries');
  return record;
}

function usedBytesOf(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
