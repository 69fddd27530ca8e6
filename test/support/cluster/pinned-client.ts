import { Holdfast } from '@holdfast/client';
import { SystemClock, SystemRandom } from '@holdfast/io';
import { OneNodeTransport } from './one-node-transport.ts';

/** An open client that reaches the node at `url` and no other, whoever is primary. Whoever makes it closes it. */
export async function openPinnedClient(url: string, timeoutMs: number): Promise<Holdfast<string, string>> {
  const seams = {
    transport: new OneNodeTransport(url),
    clock: new SystemClock(),
    random: new SystemRandom(),
  };
  const client = new Holdfast<string, string>(url, { seams, timeoutMs });
  await client.open();
  return client;
}
