import { SimRandom } from '@holdfast/sim';
import { afterEach, expect, test } from 'vitest';
import { Holdfast } from '../../src/index.ts';
import { World } from '../support/world.ts';

const CLIENTS = 200;
const OUTAGE_MS = 5000;

interface Interval {
  operations: number;
  frames: number;
  issued: number;
  /** Of the calls issued in it, those that succeeded within half a second. */
  prompt: number;
}

let world: World;

afterEach(() => {
  for (let client = 0; client < CLIENTS; client += 1) world.kill(`app${client}`);
});

function openClients(count: number): Holdfast[] {
  return Array.from({ length: count }, (_, client) => {
    const random = new SimRandom(client + 1);
    const seams = { transport: world.network.transport(`app${client}`), clock: world.clock, random };
    return new Holdfast(['ws://n1:7100', 'ws://n2:7100', 'ws://n3:7100'], { seams, timeoutMs: 5000 });
  });
}

/** Fixed arrivals for so long; what the nodes received and what callers got, by tenth of a second. */
async function load(
  clients: readonly Holdfast[],
  {
    everyMs,
    forMs,
    keyOf,
  }: { everyMs: number; forMs: number; keyOf: (place: number, now: number) => string },
): Promise<Interval[]> {
  const intervals: Interval[] = [];
  const received = (): { operations: number; frames: number } => ({
    operations: world.cluster.nodes.reduce((sum, { requests }) => sum + requests, 0),
    frames: world.cluster.nodes.reduce((sum, { frames }) => sum + frames, 0),
  });
  let before = received();
  for (let from = 0; from < forMs; from += 100) {
    const interval: Interval = { operations: 0, frames: 0, issued: 0, prompt: 0 };
    for (let step = 0; step < 100; step += 1) {
      for (const [place, db] of clients.entries()) {
        // Spread evenly over the period.
        if (Math.floor((place * everyMs) / clients.length) % everyMs !== (from + step) % everyMs) continue;
        interval.issued += 1;
        const issuedAt = world.clock.now();
        const key = keyOf(place, issuedAt);
        const call = place % 2 === 0 ? db.put(key, '1') : db.get(key);
        call.then(
          () => {
            if (world.clock.now() - issuedAt <= 500) interval.prompt += 1;
          },
          () => undefined,
        );
      }
      await world.clock.advance(1);
    }
    const after = received();
    interval.operations = after.operations - before.operations;
    interval.frames = after.frames - before.frames;
    intervals.push(interval);
    before = after;
  }
  return intervals;
}

/** Each client issues a call that often, whatever becomes of those before. */
test.each([[200], [400]])(
  '200 clients do not storm a cluster that had no majority for five seconds: a call every %i ms',
  async (everyMs) => {
    const offered = (CLIENTS * 100) / everyMs;
    world = await World.start();
    const clients = openClients(CLIENTS);
    await world.drive(Promise.all(clients.map((db) => db.open())));
    const arrivals = { everyMs, keyOf: (place: number, now: number) => `${place}/${now}` };
    await load(clients, { ...arrivals, forMs: 2000 });
    world.cluster.elect(undefined);
    const during = await load(clients, { ...arrivals, forMs: OUTAGE_MS });
    // Who was elected first is deposed at once: that is no end of the outage for those who waited.
    world.cluster.elect('n2');
    const between = await load(clients, { ...arrivals, forMs: 100 });
    world.cluster.elect(undefined);
    between.push(...(await load(clients, { ...arrivals, forMs: 100 })));
    world.cluster.elect('n3');
    const after = await load(clients, { ...arrivals, forMs: 7000 });
    for (const [place, { operations, frames }] of [...during, ...between, ...after].entries()) {
      expect(operations, `operations in tenth ${place}`).toBeLessThanOrEqual(1.5 * offered);
      expect(frames, `frames in tenth ${place}`).toBeLessThanOrEqual(1.5 * offered);
    }
    // New calls go before those that waited, and these are not forgotten.
    const fromOneSecondOn = after.slice(10, 60);
    const issued = fromOneSecondOn.reduce((sum, interval) => sum + interval.issued, 0);
    const prompt = fromOneSecondOn.reduce((sum, interval) => sum + interval.prompt, 0);
    expect(prompt / issued).toBeGreaterThan(0.97);
    const released = after.slice(0, 50).reduce((sum, { operations }) => sum + operations, 0);
    expect(released).toBeGreaterThan(1.1 * 50 * offered);
    const failed = clients.reduce((sum, db) => sum + (db.health()?.counters.failed ?? 0), 0);
    console.log(
      `largest tenth: ${Math.max(...after.map(({ operations }) => operations))} operations, ` +
        `${Math.max(...[...during, ...after].map(({ frames }) => frames))} frames of ${offered} offered; ` +
        `${released - 50 * offered} of those that waited were asked, ${failed} failed`,
    );
  },
);

test('200 clients do not storm a new primary with reads that standbys refused while the one before was silent', async () => {
  const everyMs = 200;
  const offered = (CLIENTS * 100) / everyMs;
  world = await World.start();
  const clients = openClients(CLIENTS);
  await world.drive(Promise.all(clients.map((db) => db.open())));
  const arrivals = { everyMs, keyOf: (place: number, now: number) => `${place}/${now}` };
  await load(clients, { ...arrivals, forMs: 2000 });
  world.cluster.node('n1').freeze();
  await load(clients, { ...arrivals, forMs: OUTAGE_MS });
  world.cluster.elect('n2');
  const after = await load(clients, { ...arrivals, forMs: 3000 });
  for (const [place, { operations }] of after.entries())
    expect(operations, `operations in tenth ${place}`).toBeLessThanOrEqual(1.5 * offered);
  const fromOneSecondOn = after.slice(10);
  const issued = fromOneSecondOn.reduce((sum, interval) => sum + interval.issued, 0);
  const operations = fromOneSecondOn.reduce((sum, interval) => sum + interval.operations, 0);
  // Those that waited are asked as well, beside the new ones.
  expect(operations).toBeGreaterThan(1.05 * issued);
});

test('clients that write to the same few keys all the while are not behind for ever after an outage', async () => {
  const everyMs = 400;
  const count = 50;
  world = await World.start();
  const clients = openClients(count);
  await world.drive(Promise.all(clients.map((db) => db.open())));
  // A new write waits for an old one to the same key.
  const arrivals = {
    everyMs,
    keyOf: (place: number, now: number) => `${place}/${Math.floor(now / everyMs) % 5}`,
  };
  await load(clients, { ...arrivals, forMs: 2000 });
  world.cluster.elect(undefined);
  await load(clients, { ...arrivals, forMs: OUTAGE_MS });
  world.cluster.elect('n2');
  const after = await load(clients, { ...arrivals, forMs: 26_000 });
  for (let from = 0; from < after.length; from += 10) {
    const operations = after.slice(from, from + 10).reduce((sum, interval) => sum + interval.operations, 0);
    expect(operations, `operations from tenth ${from} on`).toBeLessThanOrEqual(
      (1.5 * count * 1000) / everyMs,
    );
  }
  const last = after.slice(-30);
  const issued = last.reduce((sum, interval) => sum + interval.issued, 0);
  const prompt = last.reduce((sum, interval) => sum + interval.prompt, 0);
  expect(prompt / issued).toBeGreaterThan(0.9);
});
