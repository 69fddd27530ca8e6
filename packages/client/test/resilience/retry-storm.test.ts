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

function openClients(): Holdfast[] {
  return Array.from({ length: CLIENTS }, (_, client) => {
    const random = new SimRandom(client + 1);
    const seams = { transport: world.network.transport(`app${client}`), clock: world.clock, random };
    return new Holdfast(['ws://n1:7100', 'ws://n2:7100', 'ws://n3:7100'], { seams, timeoutMs: 5000 });
  });
}

/** Fixed arrivals for so long; what the nodes received and what callers got, by tenth of a second. */
async function load(clients: readonly Holdfast[], everyMs: number, forMs: number): Promise<Interval[]> {
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
        if (((place * everyMs) / CLIENTS) % everyMs !== (from + step) % everyMs) continue;
        interval.issued += 1;
        const issuedAt = world.clock.now();
        const key = `${place}/${issuedAt}`;
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
    const clients = openClients();
    await world.drive(Promise.all(clients.map((db) => db.open())));
    await load(clients, everyMs, 2000);
    world.cluster.elect(undefined);
    const during = await load(clients, everyMs, OUTAGE_MS);
    world.cluster.elect('n2');
    const after = await load(clients, everyMs, 7000);
    for (const [place, { operations, frames }] of [...during, ...after].entries()) {
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
