import { simulate } from '@holdfast/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Holdfast } from '../src/index.ts';
import { wireError } from './support/fake-cluster.ts';
import { World } from './support/world.ts';

const isLong = process.env.HOLDFAST_LONG === '1';

describe('a watch that tells what was there before', () => {
  let world: World;
  let db: Holdfast;
  beforeEach(async () => {
    world = await World.start();
    db = await world.opened();
  });

  /** Watches that are open at n1, n2 and n3. */
  const open = (): number[] => world.cluster.nodes.map(({ watches }) => watches.open);
  const credits = (): number[] => world.cluster.nodes.map(({ watches }) => watches.credit);
  const begun = async (options: object): Promise<ReturnType<Holdfast['watch']>> => {
    const watch = db.watch({ gte: 'a', ...options });
    await world.drive(db.put('a', '1'));
    await world.drive(watch.next());
    await world.clock.advance(20);
    return watch;
  };

  test('has every other node note it, too, and is told by one of them alone', async () => {
    const watch = await begun({ previousValue: true });
    expect(open()).toEqual([1, 1, 1]);
    expect(credits().filter((credit) => credit > 0)).toHaveLength(1);
    const opened = world.cluster.nodes.flatMap(({ received }) =>
      received.filter((message) => message.kind === 'watchOpen'),
    );
    expect(opened).toHaveLength(3);
    for (const { range, previousValues } of opened)
      expect({ range, previousValues }).toEqual({ range: opened[0]?.range, previousValues: true });
    await watch.return();
    await world.clock.advance(20);
    expect(open()).toEqual([0, 0, 0]);
  });

  test('goes on at one that does, and has the others note it that come', async () => {
    const watch = await begun({ previousValue: true });
    await world.cluster.node('n1').stop();
    world.cluster.elect('n2');
    await world.clock.advance(50);
    expect(open().slice(1)).toEqual([1, 1]);
    await world.cluster.node('n1').start();
    await world.clock.advance(1000);
    expect(open()).toEqual([1, 1, 1]);
    await world.drive(db.put('a', '2'));
    expect(await world.drive(watch.next())).toMatchObject({ value: { value: '2', previousValue: '1' } });
    await watch.return();
    await world.clock.advance(20);
    expect(open()).toEqual([0, 0, 0]);
  });

  test('asks one again that has let go of it, but not all the time', async () => {
    const watch = await begun({ previousValue: true });
    const asked = (): number =>
      world.cluster.node('n3').received.filter(({ kind }) => kind === 'watchOpen').length;
    expect(asked()).toBe(1);
    world.cluster.node('n3').endWatches(wireError('HOLDFAST_NOT_READY'));
    await world.clock.advance(5);
    for (let count = 0; count < 20; count += 1) await world.drive(db.put('a', String(count)));
    expect([asked(), open()]).toEqual([1, [1, 1, 0]]);
    await world.clock.advance(1000);
    await world.drive(db.put('a', 'late'));
    await world.clock.advance(20);
    expect([asked(), open()]).toEqual([2, [1, 1, 1]]);
    await watch.return();
  });

  test('has nobody note anything if nobody asks for it', async () => {
    const watch = await begun({});
    expect(open().reduce((sum, count) => sum + count)).toBe(1);
    await watch.return();
  });
});

test.each(Array.from({ length: isLong ? 100 : 2 }, (_, place) => place + 1))(
  'a watch tells what was there before over failovers, seed %i',
  async (seed) => {
    await simulate(
      { seed, nodes: 3, hosts: ['writer', 'watcher'] },
      async ({ client, cluster, clock, random }) => {
        const [writer, watcher] = [client({ host: 'writer' }), client({ host: 'watcher' })];
        const told: { value: string; before: string | undefined }[] = [];
        const watch = watcher.watch({ previousValue: true });
        const watching = (async () => {
          for await (const event of watch)
            if (event.type === 'put') told.push({ value: event.value, before: event.previousValue });
        })();
        const written: string[] = [];
        let isOver = false;
        const writing = (async () => {
          while (!isOver) {
            const value = String(written.length);
            await writer.put('key', value);
            written.push(value);
            await clock.sleep(random.integer(0, 8));
          }
        })();
        for (let losses = 0; losses < 4; losses += 1) {
          await clock.sleep(random.integer(400, 900));
          const primary = await cluster.waitForPrimary();
          // Its node is gone for the watcher alone, while the writer goes on; or for everybody.
          if (losses % 2 === 0) cluster.cut('watcher', primary);
          else cluster.kill(primary);
          cluster.dropConnections('watcher', primary);
          await clock.sleep(random.integer(300, 600));
          cluster.healAll();
          if (losses % 2 === 1) cluster.start(primary);
        }
        await clock.sleep(1000);
        isOver = true;
        await writing;
        await clock.sleep(1000);
        await watch.return();
        await watching;
        expect(told).toEqual(written.map((value, place) => ({ value, before: written[place - 1] })));
      },
    );
  },
  60_000,
);
