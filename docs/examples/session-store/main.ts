import { Holdfast } from '@holdfast/client';
import { SessionStore } from './session-store.ts';

/** `nodes`: the cluster to run on, as `Holdfast` takes it. */
async function main(nodes: string): Promise<void> {
  const [here, there] = [1, 2].map(() => new Holdfast(nodes, { namespace: 'session-store' })) as [
    Holdfast,
    Holdfast,
  ];

  const { id, after } = await new SessionStore(here).begin('ada');
  const elsewhere = new SessionStore(there);
  console.log(`another process finds: ${(await elsewhere.find(id, after))?.user}`);
  console.log(`renewed: ${await elsewhere.renew(id)}`);
  await elsewhere.end(id);
  console.log(`after the end: ${(await new SessionStore(here).find(id, there.token()))?.user}`);

  const bob = await new SessionStore(here, { ttlMs: 200 }).begin('bob');
  for await (const ended of elsewhere.ends(bob.after)) {
    if (ended !== bob.id) continue;
    console.log(`not renewed, and so: ${(await elsewhere.find(bob.id))?.user}`);
    break;
  }
  await Promise.all([here.close(), there.close()]);
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
