import type { DiskFile } from '@holdfast/types';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keepRandomly, SECTOR_BYTES, SimDisk, SimRandom } from '../src/index.ts';

const PARAMETERS = { numRuns: process.env.HOLDFAST_LONG === '1' ? 5000 : 300 };

type Step =
  | { kind: 'write'; position: number; length: number; fill: number }
  | { kind: 'truncate'; length: number }
  | { kind: 'sync' }
  | { kind: 'failedSync' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      position: fc.nat(9000),
      length: fc.integer({ min: 1, max: 5000 }),
      fill: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), length: fc.nat(12_000) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'sync' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'failedSync' as const }) },
);

/** A file as plain bytes, with each version its sectors have had since they were last known to be synced. */
class ModelFile {
  bytes: Uint8Array = new Uint8Array(0);
  versions: Uint8Array[];
  sizes: Set<number> = new Set([0]);

  constructor() {
    this.versions = [this.bytes];
  }

  change(length: number, edit: (bytes: Uint8Array) => void): void {
    const next = new Uint8Array(length);
    next.set(this.bytes.subarray(0, length));
    edit(next);
    this.bytes = next;
    this.versions.push(next);
    this.sizes.add(length);
  }

  sync(): void {
    this.versions = [this.bytes];
    this.sizes = new Set([this.bytes.length]);
  }

  /** Each sector is one that some version had, or zeros where the file may have grown or shrunk. */
  allows(found: Uint8Array): boolean {
    if (!this.sizes.has(found.length)) return false;
    for (let start = 0; start < found.length; start += SECTOR_BYTES) {
      const sector = padded(found, start);
      const origins = [
        new Uint8Array(SECTOR_BYTES),
        ...this.versions.map((version) => padded(version, start)),
      ];
      if (!origins.some((origin) => isPrefixWithZeros(sector, origin))) return false;
    }
    return true;
  }
}

function padded(bytes: Uint8Array, start: number): Uint8Array {
  const sector = new Uint8Array(SECTOR_BYTES);
  sector.set(bytes.subarray(start, start + SECTOR_BYTES));
  return sector;
}

/** A truncation may zero the rest of a sector. */
function isPrefixWithZeros(sector: Uint8Array, origin: Uint8Array): boolean {
  const differs = sector.findIndex((byte, position) => byte !== origin[position]);
  return differs === -1 || sector.subarray(differs).every((byte) => byte === 0);
}

async function take(file: DiskFile, disk: SimDisk, model: ModelFile, next: Step): Promise<boolean> {
  if (next.kind === 'write') {
    await file.write(next.position, new Uint8Array(next.length).fill(next.fill));
    const end = next.position + next.length;
    model.change(Math.max(model.bytes.length, end), (bytes) => bytes.fill(next.fill, next.position, end));
  } else if (next.kind === 'truncate') {
    await file.truncate(next.length);
    model.change(next.length, () => {});
  } else if (next.kind === 'sync') {
    await file.sync();
    model.sync();
  } else {
    disk.inject({ operation: 'sync', code: 'EIO' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    return false;
  }
  return true;
}

it('leaves after a crash only what some order of writing back could leave', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.nat(), async (steps, seed) => {
      const disk = SimDisk.holding(new Map([['/file', new Uint8Array(0)]]));
      const file = await disk.open('/file', {});
      const model = new ModelFile();
      for (const next of steps) if (!(await take(file, disk, model, next))) break;
      const live = disk.snapshotState('live').get('/file')!;
      expect(Buffer.compare(live, model.bytes)).toBe(0);
      const random = new SimRandom(seed);
      for (let crash = 0; crash < 5; crash++) {
        const after = disk
          .afterCrash({ keep: keepRandomly(random) })
          .snapshotState()
          .get('/file')!;
        expect(model.allows(after)).toBe(true);
      }
      expect(Buffer.compare(disk.snapshotState().get('/file')!, model.versions[0]!)).toBe(0);
      expect(Buffer.compare(disk.afterCrash({ keep: 'all' }).snapshotState().get('/file')!, live)).toBe(0);
    }),
    PARAMETERS,
  );
});
