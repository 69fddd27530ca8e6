import { type Holdfast, HoldfastError } from '@holdfast/client';

/** Sells one seat to an order, and answers which. */
export async function sellSeat(db: Holdfast, order: string): Promise<number> {
  for (;;) {
    try {
      const { value: seat } = await db.increment('sold', 1, { timeoutMs: 200 });
      await db.put(`order:${order}`, String(seat), { timeoutMs: 200 });
      return seat;
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.retryable) throw error;
    }
  }
}
