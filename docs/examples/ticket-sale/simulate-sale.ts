import assert from 'node:assert/strict';
import type { Holdfast } from '@holdfast/client';
import { type SimulationReport, simulate } from '@holdfast/sim';

const ORDERS = 10;

/** Sells ten seats, one after the other, while primaries die and are cut off. */
export function simulateSale(
  seed: number,
  sellSeat: (db: Holdfast, order: string) => Promise<number>,
): Promise<SimulationReport<void>> {
  const faults = { kill: 0.5, isolatePrimary: 1 };
  return simulate({ seed, nodes: 3, faults }, async ({ client, cluster, clock, random }) => {
    const db = client();
    const seats: number[] = [];
    for (let order = 1; order <= ORDERS; order += 1) {
      await clock.sleep(random.integer(0, 500));
      seats.push(await sellSeat(db, `order ${order}`));
    }
    await cluster.recover();
    assert.equal(await db.get('sold'), String(ORDERS));
    assert.deepEqual(
      seats,
      Array.from({ length: ORDERS }, (_, place) => place + 1),
    );
  });
}
