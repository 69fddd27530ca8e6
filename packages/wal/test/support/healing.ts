import type { Entry, LogIndex, Ticket } from '@holdfast/types';
import { expect } from 'vitest';
import { nameOf } from './entries.ts';
import type { Harness } from './harness.ts';
import type { ModelLog } from './model-log.ts';

/**
 * The law of damage: what was synced is there or is reported lost; nothing else is ever shown for it.
 * Below a hole entries may stand that a lost frame had replaced: healing finds them, see `heal`.
 */
export async function expectHonest(harness: Harness, model: ModelLog): Promise<void> {
  const { recovered } = harness;
  expect(recovered.ticket).toBe(model.ticket);
  expect(recovered.hardState).toEqual(model.hardState);
  expect(recovered.commitFloor).toBe(model.commitFloor);
  expect(recovered.genesis).toEqual(model.genesis);
  expect(recovered.exclusion).toBe(model.exclusion);
  expect([recovered.base, recovered.baseDirectory]).toEqual([model.base, model.directory]);
  expect(recovered.last).toEqual(model.last);
  const topHole = recovered.holes.at(-1)?.to ?? 0;
  const intact = model.entries.filter(({ index }) => index > topHole && index >= recovered.first);
  const read = await readFrom(harness, topHole + 1);
  expect(read.map(nameOf)).toEqual(intact.map(nameOf));
  const known = new Set(model.superseded.map(nameOf));
  for (const entry of recovered.superseded) expect(known.has(nameOf(entry))).toBe(true);
}

/** Treated like a wiped node from now on, or already before. */
export function isOut({ recovered }: Harness): boolean {
  return recovered.exclusion !== undefined;
}

async function readFrom(harness: Harness, from: number): Promise<Entry[]> {
  const { first, last } = harness.recovered;
  const range = { from: Math.max(from, first) as LogIndex, to: last.index, bytesMax: 1e9 };
  return range.from > range.to ? [] : harness.clock.drive(harness.wal.read(range));
}

/**
 * What the core does about holes: pulls backwards from the first entry behind a hole by its previous term,
 * until that is the term of the entry held there. `model` stands for the peers.
 */
export async function heal(harness: Harness, model: ModelLog): Promise<void> {
  const { recovered } = harness;
  let ticket = recovered.ticket as number;
  for (const hole of recovered.holes.toReversed()) {
    for (let index = hole.to as number; index >= recovered.first; index--) {
      const right = model.entries.find((entry) => entry.index === index);
      if (right === undefined) break;
      const [held] = await harness.clock.drive(
        harness.wal.read({ from: right.index, to: right.index, bytesMax: 1 }),
      );
      if (index < hole.from && held?.term === right.term) break;
      ticket++;
      harness.wal.append({
        ticket: ticket as Ticket,
        record: { kind: 'repair', entries: [right] },
        hardState: recovered.hardState,
        commitFloor: recovered.commitFloor,
        last: recovered.last,
      });
    }
  }
  await harness.settle();
  expect(harness.durable === ticket || ticket === recovered.ticket).toBe(true);
  harness.durable = ticket;
}

/** After healing, and another start, the log is the one that was damaged. */
export async function expectHealed(harness: Harness, model: ModelLog): Promise<void> {
  const { recovered } = harness;
  expect(recovered.ticket).toBe(harness.durable);
  expect(recovered.holes).toEqual([]);
  const right = model.entries.filter(({ index }) => index >= recovered.first);
  expect((await readFrom(harness, recovered.first)).map(nameOf)).toEqual(right.map(nameOf));
  expect(recovered.last).toEqual(model.last);
}
