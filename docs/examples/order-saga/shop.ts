// A shop's process: node shop.ts <location> work                     finishes what orders it finds
//                   node shop.ts <location> order <id> <sku> <cents>   places an order, and says what became of it
import { Holdfast } from '@holdfast/client';
import { Sagas } from '@holdfast/client/sagas';
import { orderSaga } from './order.ts';

async function main([location = '', command = '', id = '', sku = '', cents = '']: string[]): Promise<void> {
  const open = (namespace: string): Holdfast => new Holdfast(location, { namespace });
  const databases = {
    stock: open('stock'),
    payments: open('payments'),
    parcels: open('parcels'),
    orders: open('orders'),
  };
  const sagas = new Sagas(databases.orders, { ttlMs: 1000 });
  const order = orderSaga(databases);

  if (command === 'work') {
    const worker = sagas.work([order], { scanMs: 500, onError: (error) => console.error(error) });
    await new Promise((resolve) => process.once('SIGTERM', resolve));
    await worker.stop();
  } else {
    try {
      await sagas.run(order, id, { sku, cents: Number(cents) });
      console.log(`order ${id} is on its way`);
    } catch (error) {
      console.log((error as Error).message);
    }
  }
  await Promise.all(Object.values(databases).map((database) => database.close()));
}

void main(process.argv.slice(2));
