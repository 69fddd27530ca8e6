import { Level } from 'level';

interface User {
  readonly name: string;
}

/** As programs for `level` 10 are typed. Never run: the compiler is what judges it. */
export async function programForLevel(location: string, id: string): Promise<string[]> {
  const db: Level<string, User> = new Level<string, User>(location, {
    valueEncoding: 'json',
    createIfMissing: true,
    compression: false,
  });
  await db.open({ passive: true });
  await db.open({ cacheSize: 1024, errorIfExists: false });
  const user: User = await db.get(id);
  const again: User = await db.get(id, { fillCache: false });
  const several: User[] = await db.getMany([id]);
  const bytes: Buffer = await db.get<Buffer, Buffer>(Buffer.of(1), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  await db.put(id, { name: 'Ada' }, { sync: true });
  // @ts-expect-error A value of another type.
  await db.put(id, { title: 'Countess' });
  await db.del(id, { sync: true });
  await db.batch([
    { type: 'put', key: 'a', value: { name: 'Grace' } },
    { type: 'del', key: 'b' },
  ]);
  await db.batch().put('a', user).del('b').write({ sync: true });
  const people = db.sublevel<number, User>('people', { keyEncoding: 'json', valueEncoding: 'json' });
  await people.put(1, again);
  await db.batch([{ type: 'put', sublevel: people, key: 2, value: user }], {});
  const names: string[] = [];
  for await (const [key, { name }] of db.iterator({ gte: 'a', highWaterMarkBytes: 1024 }))
    names.push(key, name);
  for await (const key of db.keys({ reverse: true, limit: 3 })) names.push(key.toUpperCase());
  const iterator = db.values({ fillCache: true });
  const page: User[] = await iterator.nextv(10);
  await iterator.close();
  db.on('write', (operations) => names.push(...operations.map(({ key }: { readonly key: string }) => key)));
  db.once('closed', () => names.push(db.location, db.status));
  db.hooks.prewrite.add((operation, batch) => {
    if (operation.type === 'put') batch.add({ type: 'put', key: 'last', value: operation.value });
  });
  await db.clear({ lt: 'z' });
  await db.close();
  return [...names, ...[...several, ...page].map(({ name }) => name), bytes.toString(), db.status];
}
