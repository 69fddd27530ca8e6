import { type Holdfast, HoldfastError } from '@holdfast/client';
import { Sagas } from '@holdfast/client/sagas';
import { type Simulation, simulate } from '@holdfast/sim';
import { expect, test } from 'vitest';
import { Inventory } from '../../docs/examples/inventory/inventory.ts';
import { JobQueue } from '../../docs/examples/job-queue/job-queue.ts';
import { Cron } from '../../docs/examples/leader-cron/cron.ts';
import { orderSaga } from '../../docs/examples/order-saga/order.ts';
import { RateLimiter } from '../../docs/examples/rate-limiter/rate-limiter.ts';

const isLong = process.env.HOLDFAST_LONG === '1';
const SEEDS = Array.from({ length: isLong ? 100 : 2 }, (_, place) => place + 1);
const FAULTS = { kill: 0.5, isolatePrimary: 1 };
const HOSTS = ['a', 'b', 'c'];

/** Twice, the same to the last byte: an example that waits for a real timer somewhere is another each time. */
async function play(seed: number, body: (simulation: Simulation) => Promise<void>): Promise<void> {
  const options = { seed, nodes: 3, hosts: HOSTS, faults: FAULTS };
  const { digest } = await simulate(options, body);
  expect((await simulate(options, body)).digest).toBe(digest);
}

/** Runs it again after every error that leaves its outcome open, as its users are told to. */
async function persist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.retryable) throw error;
    }
  }
}

async function all(db: Holdfast, level: string): Promise<[string, string][]> {
  return await db.sublevel(level).iterator().all();
}

test.each(SEEDS)('the inventory sells what there is, each order once, seed %i', async (seed) => {
  await play(seed, async ({ client, cluster, clock, random }) => {
    const databases = HOSTS.map((host) => client({ host, timeoutMs: 300 }));
    const [db] = databases as [Holdfast];
    await db.sublevel('stock').put('nut', '10');
    const orders = Array.from({ length: 15 }, (_, place) => `order ${place}`);
    const placed = await Promise.all(
      orders.map(async (order, place) => {
        await clock.sleep(random.integer(0, 3000));
        const inventory = new Inventory(databases[place % HOSTS.length] as Holdfast);
        return await persist(() => inventory.place(order, [{ item: 'nut', count: 1 }]));
      }),
    );
    await cluster.recover();
    expect(placed.filter((result) => result.placed)).toHaveLength(10);
    expect(await new Inventory(db).inStock('nut')).toBe(0);
    expect((await all(db, 'orders')).map(([order]) => order).sort()).toEqual(
      orders.filter((_, place) => placed[place]?.placed).sort(),
    );
  });
});

test.each(SEEDS)('no job is lost, and none is finished twice, seed %i', async (seed) => {
  await play(seed, async ({ client, cluster, clock, random }) => {
    const finished: string[] = [];
    const db = client();
    const tasks = Array.from({ length: 10 }, (_, place) => `task ${place}`);
    for (const task of tasks) await persist(() => new JobQueue(db).add(task, task));
    await Promise.all(
      HOSTS.map(async (host) => {
        // A claim whose answer was lost runs out at once: another takes the job over, or the same worker again.
        const queue = new JobQueue(client({ host, timeoutMs: 300 }), {
          claimMs: -1,
          wallTime: () => clock.wallTime(),
        });
        for (;;) {
          const job = await persist(() => queue.take(host));
          if (job === undefined) return;
          await clock.sleep(random.integer(0, 300));
          if (await persist(() => queue.finish(job, host))) finished.push(job.task);
        }
      }),
    );
    await cluster.recover();
    expect(await all(db, 'waiting')).toEqual([]);
    expect(await all(db, 'claims')).toEqual([]);
    // Fewer were told of: the answer to a finish may be lost, and asked again it is somebody's who came before.
    expect(new Set(finished).size).toBe(finished.length);
    for (const task of finished) expect(tasks).toContain(task);
  });
});

test.each(SEEDS)('no more calls are allowed than the limit, seed %i', async (seed) => {
  await play(seed, async ({ client, cluster, clock, random }) => {
    const limiters = HOSTS.map((host) => new RateLimiter(client({ host }), { limit: 20, windowMs: 1000 }));
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, call) => {
        await clock.sleep(random.integer(0, 3000));
        return await limiters[call % HOSTS.length]?.allow('ada', 0).catch(() => undefined);
      }),
    );
    await cluster.recover();
    const allowed = answers.filter((answer) => answer === true).length;
    const unknown = answers.filter((answer) => answer === undefined).length;
    expect(allowed).toBeLessThanOrEqual(20);
    expect(allowed + unknown).toBeGreaterThanOrEqual(20);
    // Nobody calls any more: no count is left behind.
    const counts = client({ host: 'a' }).sublevel('counts');
    while ((await counts.keys().all()).length > 0) await clock.sleep(100);
  });
});

test.each(SEEDS)('no tick is done twice, and ticks go on, seed %i', async (seed) => {
  const everyMs = 100;
  await play(seed, async ({ client, cluster, clock, random, seams }) => {
    const ticks: number[] = [];
    const tokens: number[] = [];
    const stop = new AbortController();
    const crons = HOSTS.map((host) => {
      const { clock: own } = seams(host);
      const job = (tick: number, token: number): void => {
        ticks.push(tick);
        tokens.push(token);
      };
      const sleep = (ms: number): Promise<void> =>
        new Promise((resolve) => {
          own.setTimer(ms, resolve);
        });
      const now = (): number => own.wallTime();
      const db = client({ host, timeoutMs: 300 });
      return new Cron(db, { who: host, everyMs, ttlMs: 500, job, now, sleep }).run(stop.signal);
    });
    for (let freezes = 0; freezes < 4; freezes += 1) {
      await clock.sleep(random.integer(100, 700));
      const host = random.pick(HOSTS);
      cluster.freeze(host);
      await clock.sleep(random.integer(100, 1000));
      cluster.thaw(host);
    }
    await cluster.recover();
    const before = ticks.length;
    await cluster.until('ticks to go on', () => ticks.length > before + 5);
    stop.abort();
    await Promise.all(crons);
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
  });
});

test.each(SEEDS)('of two orders for one lamp one is shipped, seed %i', async (seed) => {
  await play(seed, async ({ client, cluster, clock, seams }) => {
    const [stock, payments, parcels, orders] = ['stock', 'payments', 'parcels', 'orders'].map((namespace) =>
      client({ namespace }),
    ) as [Holdfast, Holdfast, Holdfast, Holdfast];
    await stock.put('lamp', '1');
    const order = orderSaga({ stock, payments, parcels, bankThinks: () => clock.sleep(300) });
    const ends = await Promise.allSettled(
      ['1', '2'].map((id) =>
        new Sagas(orders, { seams: seams('a') }).run(order, id, { sku: 'lamp', cents: 4900 }),
      ),
    );
    await cluster.recover();
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await stock.get('lamp')).toBe('0');
    expect((await parcels.getMany(['1', '2'])).filter((sku) => sku !== undefined)).toEqual(['lamp']);
  });
});
