import { beforeEach, expect, test } from 'vitest';
import { Sagas, saga } from '../../src/sagas/index.ts';
import { errorOf } from '../support/error-of.ts';
import { type SagaProcess, SagaWorld, TTL_MS } from './saga-world.ts';

const RETENTION_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;

let world: SagaWorld;
let one: SagaProcess;
beforeEach(async () => {
  world = await SagaWorld.start();
  one = await world.process();
});

const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.world.drive(promise);

function sagasWith(retentionMs: number): Sagas {
  return new Sagas(one.db, { seams: one.seams, ttlMs: TTL_MS, retentionMs });
}

function credit(after: () => unknown) {
  return saga('transfer').step('credit', {
    run: async ({ once }) => {
      await once(one.db, [{ type: 'increment', key: 'account', by: 5 }]);
      return after();
    },
    compensate: ({ once }) => once(one.db, [{ type: 'increment', key: 'account', by: -5 }]),
  });
}

const done = (): string => 'done';

function refuse(): never {
  throw Object.assign(new Error('no'), { retryable: false });
}

async function markLives(): Promise<(number | undefined)[]> {
  const marks = one.db.sublevel('saga-marks');
  const keys = await drive(marks.keys().all());
  return await Promise.all(keys.map((key) => drive(marks.ttl(key))));
}

test('lets marks of a saga that has ended go, long after a process may have stood still', async () => {
  const sagas = sagasWith(RETENTION_MS);
  await drive(sagas.run(credit(done), '1', undefined));
  expect((await errorOf(drive(sagas.run(credit(refuse), '2', undefined)))).code).toBe(
    'HOLDFAST_SAGA_COMPENSATED',
  );
  const ofRecord = (await drive(one.db.sublevel('sagas').ttl('transfer/1')))!;
  expect(ofRecord).toBeLessThanOrEqual(RETENTION_MS);
  const lives = await markLives();
  expect(lives).toHaveLength(2);
  for (const ms of lives) {
    expect(ms).toBeLessThanOrEqual(WEEK_MS);
    expect(ms).toBeGreaterThan(WEEK_MS - 10_000);
  }
});

test('keeps them as long as the records: for ever where these are', async () => {
  await drive(sagasWith(2 * WEEK_MS).run(credit(done), '1', undefined));
  expect((await markLives())[0]).toBeGreaterThan(2 * WEEK_MS - 10_000);
  await drive(one.db.sublevel('saga-marks').clear());
  await drive(sagasWith(Infinity).run(credit(done), '2', undefined));
  expect(await markLives()).toEqual([Infinity]);
});

test('never lets those of a stuck saga go', async () => {
  const stuck = saga('stuck').step('x', {
    run: async ({ once }) => {
      await once(one.db, [{ type: 'increment', key: 'account', by: 5 }]);
      refuse();
    },
    compensate: refuse,
  });
  expect((await errorOf(drive(sagasWith(RETENTION_MS).run(stuck, '1', undefined)))).code).toBe(
    'HOLDFAST_SAGA_STUCK',
  );
  expect(await markLives()).toEqual([Infinity]);
});

test('ends a saga also where its marks cannot be reached any more', async () => {
  const other = one.db.sublevel('other');
  const definition = saga('transfer').step('credit', {
    run: async ({ once }) => {
      await once(other, [{ type: 'put', key: 'account', value: '5' }]);
      await other.close();
      return 'done';
    },
  });
  expect(await drive(sagasWith(RETENTION_MS).run(definition, '1', undefined))).toEqual({ credit: 'done' });
});
