import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that systems give to whoever asks for any: otherwise another could be given the port of a node before that
 * listens, or while it is down. None of them is one that `fetch` refuses.
 */
const FIRST = 11_000;
/** Of each process that runs tests; those that run at the same time have numbers close to each other. */
const BLOCK = 100;
const BLOCKS = 200;

let asked = 0;

/** Ports of 127.0.0.1 that nobody listens on, and that nobody else is given soon. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + (process.pid % BLOCKS) * BLOCK + (asked++ % BLOCK);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
