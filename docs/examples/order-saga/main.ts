import { Holdfast } from '@holdfast/client';
import { Sagas } from '@holdfast/client/sagas';
import { orderSaga } from './order.ts';

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const open = (part: string): Holdfast => new Holdfast(nodes, { namespace: `order-saga/${part}` });
  const [stock, payments, parcels] = [open('stock'), open('payments'), open('parcels')];
  const orders = open('orders');
  const sagas = new Sagas(orders);
  const order = orderSaga({ stock, payments, parcels });
  await stock.put('lamp', '2');

  // Three orders at once, for lamps that last for two.
  const ids = ['1', '2', '3'];
  const ends = await Promise.allSettled(ids.map((id) => sagas.run(order, id, { sku: 'lamp', cents: 4900 })));
  console.log(`on their way: ${ends.filter(({ status }) => status === 'fulfilled').length}`);
  const back = ends.findIndex(({ status }) => status === 'rejected');
  const id = ids[back] as string;
  const record = await sagas.get('order', id);
  console.log(`taken back: ${record?.state}, its steps: ${record?.steps.map(({ name }) => name).join(', ')}`);
  console.log(`lamps left: ${await stock.get('lamp')}`);
  console.log(`paid for what was taken back: ${(await payments.get(id)) ?? 'nothing'}`);
  console.log(`parcels: ${(await parcels.getMany(ids)).filter((sku) => sku !== undefined).length}`);
  await Promise.all([stock, payments, parcels, orders].map((database) => database.close()));
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
