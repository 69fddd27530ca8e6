import { Level } from '@holdfast/client/level';
import { LevelBlockstore } from 'blockstore-level';
import { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';

/** Of blocks named by what they hold. */
const RAW = 0x55;

/** The encodings are those that `blockstore-level` asks for. */
function openStore(nodes: string): LevelBlockstore {
  const db = new Level<string, Uint8Array>(nodes, {
    namespace: 'ipfs-blocks',
    keyEncoding: 'utf8',
    valueEncoding: 'view',
  });
  return new LevelBlockstore(db as never);
}

/** `nodes`: the cluster to run on, as `Level` takes it. */
async function main(nodes: string): Promise<void> {
  const [here, there] = [openStore(nodes), openStore(nodes)];
  await Promise.all([here.open(), there.open()]);

  const bytes = new TextEncoder().encode('hello world');
  const name = await here.put(CID.createV1(RAW, await sha256.digest(bytes)), bytes);
  console.log(`stored: ${name}`);

  for await (const part of there.get(name))
    console.log(`another process reads: ${new TextDecoder().decode(part)}`);
  let blocks = 0;
  for await (const _ of there.getAll()) blocks += 1;
  console.log(`blocks: ${blocks}`);
  await Promise.all([here.close(), there.close()]);
}

void main(process.argv[2] ?? 'ws://127.0.0.1:7101,ws://127.0.0.1:7102,ws://127.0.0.1:7103');
