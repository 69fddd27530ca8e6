import type { Revision } from '@holdfast/types';
import { expect, test } from 'vitest';
import type { Seams } from '../../src/index.ts';
import { saga } from '../../src/sagas/index.ts';
import { taken } from '../../src/sagas/saga-record.ts';
import { SagaRun } from '../../src/sagas/saga-run.ts';
import { type HeldRecord, type SagaDatabase, SagaStore } from '../../src/sagas/saga-store.ts';
import type { Tenure } from '../../src/sagas/tenures.ts';
import { SagaWorld } from './saga-world.ts';

/** The move of an earlier tenure was under way when the saga was read by the next, and is carried out before its first. */
class OvertakenStore extends SagaStore {
  #earlier: Tenure | undefined;

  constructor(database: SagaDatabase, seams: Seams, earlier: Tenure) {
    super(database, seams, undefined);
    this.#earlier = earlier;
  }

  override async change(
    ...[held, change, worker]: Parameters<SagaStore['change']>
  ): Promise<HeldRecord | undefined> {
    const earlier = this.#earlier;
    this.#earlier = undefined;
    if (earlier !== undefined) await super.change(held, taken(held.record), earlier);
    return await super.change(held, change, worker);
  }
}

test('a saga is taken by the next process also where a move of the one before comes in between', async () => {
  const world = await SagaWorld.start();
  const one = await world.process();
  const drive = <Result>(promise: Promise<Result>): Promise<Result> => world.world.drive(promise);
  const tokens: unknown[] = [];
  const definition = saga('transfer').step('credit', {
    run: async () => {
      tokens.push((await one.sagas.get('transfer', '1'))?.token);
    },
  });
  await drive(one.sagas.start(definition, '1', undefined));
  const { signal } = new AbortController();
  const run = new SagaRun({
    store: new OvertakenStore(one.db, one.seams, { token: 5 as Revision, signal }),
    seams: one.seams,
    definition: definition as never,
    tenure: { token: 9 as Revision, signal },
  });
  expect(await drive(run.finish('1'))).toMatchObject({ state: 'completed', token: 9 });
  // Before its step may have effects, so that the other can keep nothing any more.
  expect(tokens).toEqual([9]);
});
