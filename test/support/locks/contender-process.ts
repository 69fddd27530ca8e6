import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { connect } from 'node:net';
import { Holdfast } from '@holdfast/client';

/**
 * One of many processes that want a lock, and write to a resource under it: each write is told to the resource on a
 * connection, with the token. It looks whether it holds the lock some milliseconds before it writes, as real work does.
 */

const WRITES = 5;
const WORK_MS = 3;

const [location = '', port = '', ttlMs = ''] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
const db = new Holdfast(location, { name: 'contender' });
await db.open();
flushCompileCache();
// Without its parent it is an orphan.
const onOrphaned = (): never => process.exit(3);
process.on('disconnect', onOrphaned);

/** Until the database is closed. */
async function contend(): Promise<void> {
  while (db.status === 'open') {
    const lock = await db.lock('job', { ttlMs: Number(ttlMs) });
    const { token } = lock;
    for (let count = 0; count < WRITES && lock.held; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, WORK_MS));
      socket.write(`${process.pid} ${token}\n`);
    }
    await lock.release();
  }
}

const stopped = once(process, 'message');
process.send?.('up');
const ended = contend().catch((error: unknown) => {
  if (db.status === 'open') throw error;
});
await Promise.race([ended, stopped]);
await db.close();
await ended;
process.off('disconnect', onOrphaned);
process.disconnect();
socket.end();
