import { type Holdfast, HoldfastError } from '@holdfast/client';

/** Sells one seat to an order, and answers which: the same one however often it is asked. */
export async function sellSeat(db: Holdfast, order: string): Promise<number> {
  const timeoutMs = 200;
  for (;;) {
    try {
      const known = await db.get(`order:${order}`, { timeoutMs });
      if (known !== undefined) return Number(known);
      const sold = await db.read('sold', { timeoutMs });
      const seat = Number(sold?.value ?? 0) + 1;
      await db.write(
        [
          { type: 'put', key: 'sold', value: String(seat) },
          { type: 'put', key: `order:${order}`, value: String(seat) },
        ],
        {
          conditions: [
            { key: 'sold', revision: sold?.revision ?? 0 },
            { key: `order:${order}`, revision: 0 },
          ],
          timeoutMs,
        },
      );
      return seat;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      // Somebody else was faster, or an attempt of ours whose answer was lost: look again.
      if (!error.retryable && error.code !== 'HOLDFAST_CONFLICT') throw error;
    }
  }
}
