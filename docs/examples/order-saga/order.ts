import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdfast } from '@holdfast/client';
import { type SagaDefinition, saga } from '@holdfast/client/sagas';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

/** Three databases that an order touches; a real shop would have a payment service for the second. */
export interface Shop {
  readonly stock: Holdfast;
  readonly payments: Holdfast;
  readonly parcels: Holdfast;
  /** How the bank takes its time; rejects as the signal is aborted. */
  readonly bankThinks?: (signal: AbortSignal) => Promise<void>;
}

/** Takes one piece from the stock, the money from the customer, and sends a parcel: all of it, or none. */
export function orderSaga(shop: Shop): SagaDefinition<Order, unknown> {
  const { stock, payments, parcels, bankThinks = aMoment } = shop;
  return saga<Order>('order')
    .step('reserve', {
      run: async ({ input, once }) => {
        const taken = await once(stock, [{ type: 'increment', key: input.sku, by: -1 }]);
        // Taken by a process that ended before it saw what was left: what there is now tells, though others came since.
        const left = taken?.[0]?.type === 'increment' ? taken[0].value : Number(await stock.get(input.sku));
        // Others were faster. Then this step has failed, and is taken back like any other.
        if (left < 0) throw soldOut(input.sku);
      },
      compensate: ({ input, once }) => once(stock, [{ type: 'increment', key: input.sku, by: 1 }]),
    })
    .step('charge', {
      run: async ({ input, id, once, signal }) => {
        await bankThinks(signal);
        await once(payments, [{ type: 'increment', key: id, by: input.cents }]);
      },
      compensate: ({ input, id, once }) => once(payments, [{ type: 'increment', key: id, by: -input.cents }]),
    })
    .step('ship', {
      run: ({ input, id, once }) => once(parcels, [{ type: 'put', key: id, value: input.sku }]),
    });
}

function soldOut(sku: string): Error {
  return Object.assign(new Error(`no ${sku} left`), { code: 'SOLD_OUT', retryable: false });
}

async function aMoment(signal: AbortSignal): Promise<void> {
  await sleep(300, undefined, { signal });
}
