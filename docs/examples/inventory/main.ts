import { Holdfast } from '@holdfast/client';
import { Inventory } from './inventory.ts';

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const db = new Holdfast(nodes, { namespace: 'inventory' });
  const inventory = new Inventory(db);
  await inventory.receive('bolt', 10);
  await inventory.receive('nut', 4);

  // Six orders at once, for nuts that last for four.
  const lines = [
    { item: 'bolt', count: 2 },
    { item: 'nut', count: 1 },
  ];
  const orders = ['o1', 'o2', 'o3', 'o4', 'o5', 'o6'];
  const results = await Promise.all(orders.map((order) => inventory.place(order, lines)));
  console.log(`placed: ${results.filter(({ placed }) => placed).length}`);
  console.log(`missing: ${results.map((result) => (result.placed ? '' : result.missing)).find(Boolean)}`);

  const winner = orders[results.findIndex(({ placed }) => placed)] as string;
  console.log(`the same order again: ${JSON.stringify(await inventory.place(winner, lines))}`);
  console.log(`left: ${await inventory.inStock('bolt')} bolts, ${await inventory.inStock('nut')} nuts`);
  await db.close();
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
