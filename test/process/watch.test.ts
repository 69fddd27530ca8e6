import { readFileSync } from 'node:fs';
import type { Watch, WatchChange } from '@holdfast/client';
import { expect, test } from 'vitest';
import { startTestCluster } from '../support/cluster/test-cluster.ts';
import { waitUntil } from '../support/faults/wait-until.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const WRITES = isLong ? 20_000 : 1500;
const KILLS = isLong ? 20 : 3;

interface Told extends Pick<WatchChange<string, string>, 'type' | 'key' | 'endsWrite'> {
  readonly revision: number;
  readonly value: string | undefined;
}

type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

/** Takes what a watch tells until it ends, or `until` says so. */
class Follower {
  readonly told: Told[] = [];
  readonly #watch: Watch<string, string>;
  readonly done: Promise<void>;

  constructor(watch: Watch<string, string>) {
    this.#watch = watch;
    this.done = this.#follow();
  }

  get position(): number {
    return this.#watch.position ?? 0;
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.done;
  }

  async #follow(): Promise<void> {
    for await (const event of this.#watch) {
      const { type, key, revision = 0, endsWrite } = event;
      this.told.push({
        type,
        key,
        revision,
        endsWrite,
        value: event.type === 'put' ? event.value : undefined,
      });
    }
  }
}

function operation(key: string, value: string, isDelete: boolean): Operation {
  return isDelete ? { type: 'del', key } : { type: 'put', key, value };
}

// G18.
test(`watches over ${KILLS} kills of the primary are told each mutation once, in order`, async () => {
  const cluster = await startTestCluster();
  const [writer, reader] = [await cluster.client(), await cluster.client({ readPreference: 'standby' })];
  const everything = new Follower(writer.watch());
  // From the beginning: another client may write before it is open.
  const part = new Follower(reader.watch({ gte: 'k3', lt: 'k6', from: 0 }));
  /** Goes on behind the one before it whenever a primary is killed, in a client of its own. */
  const relay = [new Follower((await cluster.client()).watch({ from: 0 }))];
  const values = new Set<string>();
  let killed = 0;
  for (let written = 0; written < WRITES; written += 10) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, lane) => {
        const value = `${written + lane}`;
        await writer.batch([
          operation(`k${lane}`, value, lane === 4),
          operation(`k${(lane + 5) % 10}`, `${value}b`, false),
        ]);
        values.add(`${value}b`);
      }),
    );
    if (written < (WRITES * (killed + 1)) / (KILLS + 1)) continue;
    killed += 1;
    await cluster.caughtUp();
    const victim = await cluster.primary();
    const last = relay.at(-1)!;
    await cluster.kill(victim);
    await last.close();
    relay.push(new Follower((await cluster.client()).watch({ from: last.position })));
    await cluster.start(victim);
  }
  const { revision } = await writer.write([{ type: 'put', key: 'z', value: 'end' }]);
  await waitUntil('everybody to be told of the end', async () =>
    [everything, relay.at(-1)!].every(({ told }) => told.at(-1)?.revision === revision),
  );
  await writer.write([{ type: 'put', key: 'k3', value: 'end' }]);
  await waitUntil('the part to be told of its end', async () => part.told.at(-1)?.value === 'end');
  const whole = everything.told.filter(({ revision: of }) => of <= revision);
  for (const follower of [everything, part, ...relay]) await follower.close();

  const revisions = whole.map((told) => told.revision);
  expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
  expect(new Set(revisions).size).toBe(whole.length);
  expect(whole.filter(({ value }) => value !== undefined && values.has(value))).toHaveLength(values.size);
  expect(relay.flatMap(({ told }) => told).filter(({ revision: of }) => of <= revision)).toEqual(whole);
  expect(part.told.slice(0, -1)).toEqual(
    whole
      .filter(({ key }) => key >= 'k3' && key < 'k6')
      .map((told) => ({
        ...told,
        endsWrite: part.told.find((other) => other.revision === told.revision)?.endsWrite,
      })),
  );
  console.log(`${whole.length} mutations told over ${killed} kills, to ${relay.length + 2} watches`);
  for (const id of cluster.ids)
    await waitUntil(`${id} to have let go of its watches`, async () => {
      return (await cluster.metric(id, 'holdfast_watches')) === 0;
    });
});

test('watches whose events nobody takes cost their node no memory, and are told everything in the end', async () => {
  const cluster = await startTestCluster({ count: 1 });
  const [id] = cluster.ids;
  const client = await cluster.client();
  const idle = Array.from({ length: 40 }, () => client.watch());
  const quick = new Follower(client.watch());
  await client.put('first', '');
  await waitUntil('the quick one to be told', async () => quick.told.length === 1);
  expect((await cluster.status(id!)).lanes.watches).toEqual({ running: 41, waiting: 0, refused: 0 });
  const before = residentBytes(cluster.pid(id!));
  const value = 'v'.repeat(65_536);
  const writes = 320;
  for (let written = 0; written < writes; written += 8)
    await Promise.all(Array.from({ length: 8 }, (_, lane) => client.put(`k${written + lane}`, value)));
  await waitUntil('the quick one to be told of all', async () => quick.told.length === writes + 1);
  const grown = residentBytes(cluster.pid(id!)) - before;
  console.log(
    `${writes * 65_536} bytes written, untaken by ${idle.length} watches: ${grown} bytes more in the node`,
  );
  // Had each of them been kept what it was not told: 800 MB.
  expect(grown).toBeLessThan(250_000_000);
  expect(await cluster.metric(id!, 'holdfast_watch_lag_entries')).toBeGreaterThan(10);
  for (const watch of idle.slice(0, 3)) {
    for (let taken = 0; taken <= writes; taken += 1) expect((await watch.next()).done).toBe(false);
  }
  await quick.close();
});

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}
